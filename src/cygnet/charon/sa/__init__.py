"""The IKEv2 core, pure: IKE_SAs, CHILD_SAs, tasks, what belongs to no SA."""
