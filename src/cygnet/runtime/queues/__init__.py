"""The job, event and send queues, all bounded, all counting what they dropped."""
