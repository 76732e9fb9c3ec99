/// Rows of text in aligned columns.
struct Table {
  private var rows: [[String]]
  /// Columns of numbers, aligned to the right.
  private let numbers: Set<Int>

  init(head: [String], numbers: Set<Int>) {
    rows = [head]
    self.numbers = numbers
  }

  mutating func add(_ row: [String]) {
    rows.append(row)
  }

  var text: String {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let space = String(repeating: " ", count: widths[column] - cell.count)
        line += (column > 0 ? "  " : "") + (numbers.contains(column) ? space + cell : cell + space)
      }
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
