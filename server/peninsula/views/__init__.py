"""HTTP in, HTTP out: the last modules that know Flask."""
