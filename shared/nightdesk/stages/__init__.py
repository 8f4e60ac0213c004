"""Stages: which use case runs for which event. Independent of queues and logs, so that simulations run the same code.

Each module but `batch` has one class, of which one instance processes one batch of messages. A function imports only the
module of its stage.
"""
