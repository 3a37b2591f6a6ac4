"""The Kubernetes API as we use it: one async protocol, embedded in a file or over the network."""
