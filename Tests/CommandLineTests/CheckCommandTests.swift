import Foundation
import Testing

@Suite struct CheckCommandTests {
  @Test func goodDocumentsAreCounted() throws {
    let tool = try CommandLineTool()
    let path = try tool.write(CommandLineTool.allowing(#"request.method == "GET""#), to: "policy.yaml")
    let result = try tool.run("check", path)
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("ok: 1 policy, 1 rule\nplan "))
    #expect(result.errors.isEmpty)
  }

  @Test func everyProblemIsToldWithItsPlace() throws {
    let tool = try CommandLineTool()
    try tool.write(CommandLineTool.allowing(#"request.methdo == "GET""#), to: "a.yaml")
    try tool.write(CommandLineTool.policy("    - name: x\n      acton: DENY\n"), to: "b.yaml")
    let result = try tool.run("check", "a.yaml", "b.yaml")
    #expect(result.status == 1)
    #expect(result.output.contains("a.yaml:9:"))
    #expect(result.output.contains("request.method"))
    #expect(result.output.contains("b.yaml:7:"))
    #expect(result.output.contains("^"))
    #expect(result.errors.hasSuffix("not usable\n"))
  }

  @Test func aRuleThatCanErrOnOrdinaryRequestsIsWarnedOf() throws {
    let tool = try CommandLineTool()
    let path = try tool.write(
      CommandLineTool.policy(
        """
            - name: x
              action: DENY
              when: request.headers["x-user"] == "a"
        """), to: "policy.yaml")
    let result = try tool.run("check", path)
    #expect(result.status == 0)
    #expect(result.output.contains("warning:"))
    #expect(result.output.contains("1 warning"))
  }

  @Test func rulesThatNoLookUpLeavesOutAreNamed() throws {
    let tool = try CommandLineTool()
    let path = try tool.write(
      CommandLineTool.policy(
        """
            - {name: told, action: ALLOW, when: request.method == "GET"}
            - {name: sized, action: DENY, when: size(request.method) > 10}
            - {name: always, action: AUDIT}
        """), to: "policy.yaml")
    let result = try tool.run("check", "--stats", path)
    #expect(result.status == 0)
    #expect(result.output.contains("1 of 3 rules are indexed\n"))
    #expect(result.output.contains("not indexed: rule `sized` of policy"))
    #expect(result.output.contains("policy.yaml:8"))
    #expect(!result.output.contains("rule `told`"))
  }

  @Test func aFolderIsReadWhole() throws {
    let tool = try CommandLineTool()
    let result = try tool.run("check", CommandLineTool.root.appendingPathComponent("examples/bookinfo/policies").path)
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.hasPrefix("ok: 9 policies, 16 rules, 3 metrics, 1 access log, 2 backends, 2 value lists\n"))
  }

  @Test func whatIsNotThereIsAProblem() throws {
    let tool = try CommandLineTool()
    let result = try tool.run("check", "nowhere.yaml")
    #expect(result.status == 1)
    #expect(result.output.contains("nowhere.yaml"))
  }

  @Test func wrongUsageIsStatusTwo() throws {
    let tool = try CommandLineTool()
    for arguments in [
      ["check"], ["chekc"], ["eval"], ["eval", "--policy", "a"], ["replay", "x"], ["check", "--what", "x"],
    ] {
      let result = try tool.run(arguments)
      #expect(result.status == 2, "\(arguments)")
      #expect(result.output.isEmpty)
      #expect(!result.errors.isEmpty)
    }
  }

  @Test func helpAndVersionAreNoErrors() throws {
    let tool = try CommandLineTool()
    for arguments in [["--help"], ["help", "eval"], ["replay", "--help"]] {
      let result = try tool.run(arguments)
      #expect(result.status == 0)
      #expect(result.output.contains("USAGE"))
    }
    let version = try tool.run("version")
    #expect(version.status == 0)
    #expect(version.output.wholeMatch(of: /purser \d+\.\d+\.\d+\n/) != nil)
  }
}
