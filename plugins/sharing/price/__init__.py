"""Price lists: tariffs as they are kept, shown and filled in; the engine is plugins.sharing.tariffs."""
