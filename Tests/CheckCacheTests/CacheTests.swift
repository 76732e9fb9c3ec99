// The cache's tests.
