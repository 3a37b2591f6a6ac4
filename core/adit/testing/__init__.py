"""Fakes that ship: a loopback PACS, synthetic studies, embedded-cluster fixtures."""
