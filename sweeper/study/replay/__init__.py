"""A study as its pruners and samplers see it: as if no worker had ever died; at what has ended they look once."""
