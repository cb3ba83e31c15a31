"""The client protocol: values to bytes and back. Knows no sockets; never trusts a length."""
