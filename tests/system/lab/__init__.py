"""Hosts made of namespaces, the programs under test and real peers on them, and the wires between."""
