"""From a receiver to whoever waits for its instances: announced, sent, and kept until they are durable there."""
