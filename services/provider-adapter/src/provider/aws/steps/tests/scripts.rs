//! The loops over route tables, run by a shell with an `aws` that answers from a list.

use std::process::{Command, Output};

use super::*;

/// `aws` as a function: prints the tables when asked for them, refuses `rtb-bad`, and tells of every other call.
const AWS: &str = r#"aws() {
  case "$*" in
    *describe-route-tables*) printf "$TABLES"; return "$DESCRIBED" ;;
    *rtb-bad*) echo refused >&2; return 1 ;;
    *) echo "$2 $4 $6 $7 $8" >&3 ;;
  esac
}
"#;

/// What the script asked AWS for, and whether it succeeded.
fn run(script: &str, tables: &str, described: &str) -> (Vec<String>, bool) {
    let Output { status, stdout, .. } = Command::new("sh")
        .args(["-c", &format!("{AWS}{{ {script}\n}} 3>&1 >/dev/null")])
        .envs([("TABLES", tables), ("DESCRIBED", described)])
        .output()
        .unwrap();
    let calls = String::from_utf8(stdout).unwrap();
    (calls.lines().map(str::to_owned).collect(), status.success())
}

fn add_routes(facts: &Facts) -> String {
    let guide = guide(facts, None);
    step(&guide, "ADD_ROUTES").commands[0].shell.clone()
}

fn route(verb: &str, table: &str) -> String {
    format!("{verb} {table} 10.20.0.0/20 --vpc-peering-connection-id {ID}")
}

#[test]
fn every_table_without_a_route_gets_one() {
    let tables = "rtb-1\\tNone\\tNone\\nrtb-2\\tNone\\tNone\\n";
    let (calls, worked) = run(&add_routes(&facts(State::Active)), tables, "0");
    let expected = ["rtb-1", "rtb-2"].map(|table| route("create-route", table));
    assert_eq!((calls, worked), (expected.to_vec(), true));
}

#[test]
fn a_second_run_changes_nothing() {
    let tables = format!("rtb-1\\t{ID}\\tactive\\nrtb-2\\t{ID}\\tblackhole\\n");
    let (calls, worked) = run(&add_routes(&facts(State::Active)), &tables, "0");
    assert_eq!((calls, worked), (vec![], true));
}

#[test]
fn routes_of_a_former_attempt_and_dead_ones_are_replaced() {
    let tables = format!("rtb-1\\t{FORMER}\\tactive\\nrtb-2\\tNone\\tblackhole\\n");
    let (calls, worked) = run(&add_routes(&other("renewed")), &tables, "0");
    let expected = ["rtb-1", "rtb-2"].map(|table| route("replace-route", table));
    assert_eq!((calls, worked), (expected.to_vec(), true));
}

#[test]
fn a_route_that_works_for_somebody_else_is_left_alone_and_the_script_fails() {
    let tables = "rtb-1\\tpcx-0other\\tactive\\nrtb-2\\tNone\\tactive\\nrtb-3\\tNone\\tNone\\n";
    let (calls, worked) = run(&add_routes(&other("renewed")), tables, "0");
    let expected = vec![route("create-route", "rtb-3")];
    assert_eq!((calls, worked), (expected, false));
}

#[test]
fn a_table_that_fails_does_not_stop_the_others_and_fails_the_script() {
    let tables = "rtb-bad\\tNone\\tNone\\nrtb-2\\tNone\\tNone\\n";
    let (calls, worked) = run(&add_routes(&facts(State::Active)), tables, "0");
    let expected = vec![route("create-route", "rtb-2")];
    assert_eq!((calls, worked), (expected, false));
}

#[test]
fn a_listing_that_fails_or_shows_no_table_fails_the_script() {
    let script = add_routes(&facts(State::Active));
    assert_eq!(run(&script, "rtb-1\\tNone\\tNone\\n", "1"), (vec![], false));
    assert_eq!(run(&script, "", "0"), (vec![], false));
}

#[test]
fn cleaning_up_deletes_each_route_that_was_listed() {
    let guide = guide(&other("deleted_after_renewal"), None);
    let script = &step(&guide, "CLEAN_UP").commands[0].shell;
    let tables = "rtb-1\\t10.20.0.0/20 10.20.1.0/24\\nrtb-2\\t\\nrtb-3\\t10.20.0.0/20\\n";
    let delete =
        |table: &str, range: &str| format!("delete-route {table} {range} --region eu-west-1");
    let expected = vec![
        delete("rtb-1", "10.20.0.0/20"),
        delete("rtb-1", "10.20.1.0/24"),
        delete("rtb-3", "10.20.0.0/20"),
    ];
    assert_eq!(run(script, tables, "0"), (expected, true));
    assert_eq!(run(script, "rtb-1\\t\\n", "0"), (vec![], true));
    assert!(!run(script, "rtb-bad\\t10.20.0.0/20\\n", "0").1);
    assert!(!run(script, "", "1").1);
}

#[test]
fn only_routes_to_the_peering_s_own_ids_are_listed_for_deletion() {
    let query = |facts: &Facts, code: &str| {
        let guide = guide(facts, None);
        let step = step(&guide, code);
        let script = step.undo.first().or(step.commands.first()).unwrap();
        script.shell.clone()
    };
    let undo = query(&other("renewed"), "ADD_ROUTES");
    assert!(undo.contains(ID) && !undo.contains(FORMER));
    let clean_up = query(&other("deleted_after_renewal"), "CLEAN_UP");
    assert!(clean_up.contains(ID) && clean_up.contains(FORMER));
}
