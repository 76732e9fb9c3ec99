// A trap as Swift makes it: arithmetic that may overflow, in a function that the root's own code calls. See test.py.

@inline(never)
func sum(_ a: Int, _ b: Int) -> Int { a + b }

@c(purser_sum)
public func purserSum(_ a: Int, _ b: Int) -> Int { sum(a, b) &+ 1 }
