// The library of expressions alone, as docs/cel.md shows it: nothing but CEL is imported, so that whatever it must be
// linked with has to come with it.

import CEL

var environment = Environment()
for library in [Extension.strings, .math] { environment.enable(library) }
environment.declare(Variable(name: "user.name", type: .string, id: 0))
environment.declare(Variable(name: "user.groups", type: environment.types.list(.string), id: 1))
environment.declare(function: "initials", isMember: true, parameters: [.string], result: .string) { call in
  let words = call[0].asBytes.text.split(separator: " ")
  return call.string(words.map { String($0.prefix(1)) }.joined())
}

let session = try Session(
  "'admin' in user.groups && user.name.initials().lowerAscii() == 'gh' && math.sqrt(user.groups.size()) > 1.4",
  in: environment)
session.set(0, session.string("Grace Hopper"))
session.set(1, session.list([session.string("dev"), session.string("admin")]))
print(render(session.evaluate()))
session.set(1, nil)
print(session.evaluate().asError.code.text)
