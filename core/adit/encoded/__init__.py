"""An encoded data set as what it is on disk and on the wire: elements found, cut and written without decoding one.

Everything here takes bytes from outside: it raises Malformed and nothing else, reads no byte beyond what it was given,
and always comes to an end.
"""
