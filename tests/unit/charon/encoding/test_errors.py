"""cygnet.charon.encoding.errors"""

import pytest

from cygnet.base.errors import Ends, MalformedError, PeerError
from cygnet.charon.encoding import errors
from cygnet.charon.encoding.notify import NotifyType

NOTIFIES = {
    errors.UnsupportedCriticalPayloadError: NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD,
    errors.InvalidIkeSpiError: NotifyType.INVALID_IKE_SPI,
    errors.InvalidMajorVersionError: NotifyType.INVALID_MAJOR_VERSION,
    errors.InvalidSyntaxError: NotifyType.INVALID_SYNTAX,
    errors.InvalidMessageIdError: NotifyType.INVALID_MESSAGE_ID,
    errors.InvalidSpiError: NotifyType.INVALID_SPI,
    errors.NoProposalChosenError: NotifyType.NO_PROPOSAL_CHOSEN,
    errors.InvalidKePayloadError: NotifyType.INVALID_KE_PAYLOAD,
    errors.AuthenticationFailedError: NotifyType.AUTHENTICATION_FAILED,
    errors.SinglePairRequiredError: NotifyType.SINGLE_PAIR_REQUIRED,
    errors.NoAdditionalSasError: NotifyType.NO_ADDITIONAL_SAS,
    errors.InternalAddressFailureError: NotifyType.INTERNAL_ADDRESS_FAILURE,
    errors.FailedCpRequiredError: NotifyType.FAILED_CP_REQUIRED,
    errors.TsUnacceptableError: NotifyType.TS_UNACCEPTABLE,
    errors.InvalidSelectorsError: NotifyType.INVALID_SELECTORS,
    errors.UnacceptableAddressesError: NotifyType.UNACCEPTABLE_ADDRESSES,
    errors.UnexpectedNatDetectedError: NotifyType.UNEXPECTED_NAT_DETECTED,
    errors.TemporaryFailureError: NotifyType.TEMPORARY_FAILURE,
    errors.ChildSaNotFoundError: NotifyType.CHILD_SA_NOT_FOUND,
    errors.StateNotFoundError: NotifyType.STATE_NOT_FOUND,
}


def test_every_error_is_listed_once_with_its_notify():
    assert set(errors.ERRORS) == NOTIFIES.keys()
    assert len(errors.ERRORS) == len(NOTIFIES)


@pytest.mark.parametrize("error", errors.ERRORS)
def test_error_carries_its_notify_and_reason(error):
    needs_number = (errors.UnsupportedCriticalPayloadError, errors.InvalidKePayloadError)
    raised = error("because", 19) if error in needs_number else error("because")
    assert isinstance(raised, PeerError)
    assert raised.notify == NOTIFIES[error]
    assert str(raised) == "because"


def test_critical_payload_is_named_in_the_data():
    assert errors.UnsupportedCriticalPayloadError("x", 99).data() == b"\x63"


def test_wanted_group_is_in_the_data():
    assert errors.InvalidKePayloadError("x", 31).data() == b"\x00\x1f"


def test_major_version_spoken_is_in_the_data():
    assert errors.InvalidMajorVersionError("x").data() == b"\x20"


def test_missing_child_sa_is_remembered():
    error = errors.ChildSaNotFoundError("x", 3, b"abcd")
    assert (error.protocol, error.spi, error.data()) == (3, b"abcd", b"")


def test_syntax_error_is_a_kind_of_malformed():
    assert issubclass(errors.InvalidSyntaxError, MalformedError)
    assert errors.InvalidSyntaxError.ends is Ends.SA


def test_bad_fragment_asks_for_silence():
    assert errors.InvalidFragmentError("x").notify is None
    assert errors.InvalidFragmentError("x").ends is Ends.MESSAGE
