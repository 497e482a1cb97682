"""A study as its pruners and samplers see it: as if no worker had ever died. What ended trials say is looked at once."""
