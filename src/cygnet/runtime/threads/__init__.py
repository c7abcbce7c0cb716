"""The named threads of a daemon: receiver, sender, scheduler and the worker pool."""
