"""adit send, receive, fetch and move: the DIMSE data path by itself, for troubleshooting and measuring.

Nothing heavy is imported here before it is needed: with HOST:PORT these commands start in a tenth of a second.
"""
