"""How fast is Peninsula beside its peers? ``python -m bench`` answers; see ``__main__``."""
