"""The wire protocol without IO: messages, codec, state of a session. See docs/PROTOCOL.md."""
