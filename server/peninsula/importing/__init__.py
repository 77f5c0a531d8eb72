"""Tables of curators into statements; begin with :mod:`peninsula.importing.running`."""
