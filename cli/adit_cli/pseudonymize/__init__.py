"""adit pseudonymize: files and folders through the engine that transfers use.

What it writes stays on this machine, so no grant is asked: whoever may read the files may do with them what they like.
"""
