"""Where bytes come from, behind the one protocol of `base`."""
