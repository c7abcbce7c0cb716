"""Reading and writing octets: reader, writer, field kinds, and the IKE header."""
