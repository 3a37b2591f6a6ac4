"""What tests of the command line share: the program as a process, and manifests to give it."""
