"""The bus: log lines and events on their way to listeners that can never block a worker."""
