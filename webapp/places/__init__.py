"""Where things are: the tree of sites, locations, aisles, shelves and bins."""
