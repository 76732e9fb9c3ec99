// The units of the plan before, by what their documents say.

import CEL
import PurserEngine

struct KnownUnits {
  /// By digest.
  private let units: [(digest: DocumentDigest, unit: PolicyUnit)]

  init(_ parts: PlanParts?) {
    var units: [(digest: DocumentDigest, unit: PolicyUnit)] = []
    for unit in parts?.units ?? [] {
      if let digest = unit.digest { units.append((digest, unit)) }
    }
    self.units = units.ordered { DocumentDigest.precedes($0.digest, $1.digest) }
  }

  func unit(of digest: DocumentDigest) -> PolicyUnit? {
    var low = 0
    var high = units.count
    while low < high {
      let middle = low &+ (high &- low) / 2
      if DocumentDigest.precedes(units[middle].digest, digest) { low = middle &+ 1 } else { high = middle }
    }
    return units.indices.contains(low) && units[low].digest == digest ? units[low].unit : nil
  }
}
