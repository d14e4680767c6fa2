//! `check` for programs: JSON, SARIF, annotations; and the table of costs.

use serde_json::Value;

use super::support::Bench;

const WRONG: &str = "startas: /bin/true\nmatch: usr == \"root\"\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.spec("web", WRONG);
    bench.spec("one", "startas: /bin/false --now\n");
    bench.spec("two words", "startas: /bin/sleep\nargs: [\"1\"]\n");
    bench
}

fn sarif(bench: &Bench, args: &[&str]) -> Value {
    let mut words = vec!["check", "--output", "sarif"];
    words.extend(args);
    serde_json::from_str(&bench.run(&words).stdout).unwrap()
}

#[test]
fn json_is_one_array_of_mistakes() {
    let bench = bench();
    let rows: Value =
        serde_json::from_str(&bench.run(&["check", "specs", "--output", "json"]).stdout).unwrap();
    let rows = rows.as_array().unwrap();
    let row = rows.iter().find(|row| row["code"] == "M203").unwrap();
    for key in ["code", "severity", "message", "file", "line", "column", "endColumn", "help"] {
        assert!(!row[key].is_null(), "{key} in {row}");
    }
    assert_eq!((&row["line"], &row["column"], &row["endColumn"]), (&6.into(), &10.into(), &13.into()));
}

/// What the schema of SARIF 2.1.0 requires of the parts that are used.
#[test]
fn sarif_is_well_formed() {
    let bench = bench();
    let log = sarif(&bench, &["specs"]);
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().contains("sarif-2.1.0"));
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "selfsame");
    let rules = driver["rules"].as_array().unwrap();
    let ids: std::collections::BTreeSet<&str> =
        rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "rules are unique");
    assert_eq!(rules.len(), selfsame::cli::registered_codes().len());
    for rule in rules {
        for key in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[key]["text"].as_str().unwrap().is_empty(), "{key} of {rule}");
        }
        assert!(matches!(rule["defaultConfiguration"]["level"].as_str().unwrap(), "error" | "warning"));
    }
    let artifacts = run["artifacts"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 3, "{results:?}");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(matches!(result["level"].as_str().unwrap(), "error" | "warning"));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        for location in result["locations"].as_array().unwrap() {
            place(&location["physicalLocation"], artifacts);
        }
        for fix in result["fixes"].as_array().into_iter().flatten() {
            assert!(fix["description"]["text"].is_string());
            for change in fix["artifactChanges"].as_array().unwrap() {
                for replacement in change["replacements"].as_array().unwrap() {
                    region(&replacement["deletedRegion"]);
                    assert!(replacement["insertedContent"]["text"].is_string());
                }
            }
        }
    }
}

fn place(physical: &Value, artifacts: &[Value]) {
    let artifact = &physical["artifactLocation"];
    let index = usize::try_from(artifact["index"].as_u64().unwrap()).unwrap();
    assert_eq!(artifacts[index]["location"]["uri"], artifact["uri"]);
    let uri = artifact["uri"].as_str().unwrap();
    assert!(!uri.contains(' ') && !uri.starts_with('/'), "{uri}");
    region(&physical["region"]);
}

fn region(region: &Value) {
    let number = |key: &str| region[key].as_u64().unwrap_or_else(|| panic!("{key} of {region}"));
    let start = (number("startLine"), number("startColumn"));
    let end = (number("endLine"), number("endColumn"));
    assert!(start.0 >= 1 && start.1 >= 1 && start <= end, "{region}");
}

/// Applying the fix by its region gives a document without that mistake.
#[test]
fn the_fix_of_a_result_mends_the_file() {
    let bench = bench();
    let log = sarif(&bench, &["specs/web.yaml"]);
    let fix = &log["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0];
    let (region, new) =
        (&fix["replacements"][0]["deletedRegion"], &fix["replacements"][0]["insertedContent"]["text"]);
    let text = std::fs::read_to_string(bench.path("specs/web.yaml")).unwrap();
    let (line, from, to) =
        (region["startLine"].as_u64(), region["startColumn"].as_u64(), region["endColumn"].as_u64());
    let number = |value: Option<u64>| usize::try_from(value.unwrap()).unwrap() - 1;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[number(line)].replace_range(number(from)..number(to), new.as_str().unwrap());
    bench.write("specs/web.yaml", &(lines.join("\n") + "\n"));
    assert!(!bench.ok(&["check", "specs/web.yaml"]).stderr.contains("M203"));
}

#[test]
fn both_places_of_a_pair_are_in_sarif() {
    let bench = Bench::new();
    bench.spec("a", "startas: /bin/true\n");
    bench.spec("b", "startas: /bin/true\n");
    let log = sarif(&bench, &["specs"]);
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "S120");
    let uri = |place: &Value| place["physicalLocation"]["artifactLocation"]["uri"].clone();
    assert_eq!(uri(&result["locations"][0]), "specs/b.yaml");
    assert_eq!(uri(&result["relatedLocations"][0]), "specs/a.yaml");
}

#[test]
fn a_good_set_gives_empty_results() {
    let bench = Bench::new();
    bench.spec("a", "startas: /bin/true\n");
    let log = sarif(&bench, &["specs"]);
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
    assert_eq!(bench.ok(&["check", "specs", "--output", "json"]).stdout.trim(), "[]");
    assert_eq!(bench.ok(&["check", "specs", "--output", "github"]).stdout, "");
}

#[test]
fn annotations_name_file_and_place() {
    let bench = bench();
    let ran = bench.run(&["check", "specs/web.yaml", "--output", "github"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stdout,
        "::error file=specs/web.yaml,line=6,col=10,endColumn=13,title=M203::unknown field `usr`%0Ahelp: did you mean `user`?\n"
    );
}

#[test]
fn costs_are_listed_dearest_first() {
    let bench = Bench::new();
    bench.spec("a", "startas: /bin/true\nmatch: user == \"root\"\n");
    bench
        .spec("b", "startas: /bin/false\nmatch: flag(\"-v\") || user == \"root\" && arg(\"--x\") == \"1\"\n");
    bench.spec("c", "startas: /bin/cat\n");
    let text = bench.ok(&["check", "specs", "--cost"]).stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].trim_start().starts_with("EXPRESSION") && lines[0].contains("CLASS"), "{text}");
    assert!(lines[1].trim_start().starts_with("b match") && lines[1].contains("arg (3)"), "{text}");
    assert!(lines[2].trim_start().starts_with("a match") && lines[2].contains("user (1)"), "{text}");
    assert!(!text.contains("c match"), "{text}");
    let ran = bench.run(&["check", "specs", "--cost", "--output", "json"]);
    assert_eq!(ran.code, 64, "{ran:?}");
}
