// The store's tests.
