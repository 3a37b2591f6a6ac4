"""The `adit` command: wires the programs together on one machine."""
