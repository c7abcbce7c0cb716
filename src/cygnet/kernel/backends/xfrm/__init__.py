"""The kernel's own IPsec over netlink XFRM.

``constants``, ``primitives``, ``sa_layout`` and ``policy_layout`` are the messages, byte by byte;
``selectors``, ``algorithms`` and ``states`` say in them what the port's records mean; ``associations``,
``policies`` (with ``table``) and ``moving`` change what the kernel holds; ``owner`` and ``leftovers``
recognise what is ours; ``events`` listens; ``routes`` and ``devices`` do what belongs to a tunnel beside
IPsec; ``errors`` explains refusals; ``inspection`` compares; ``kernel`` is the backend.
"""
