use serde_json::json;

use super::*;

fn object(name: &str, uid: &str, version: u64) -> Held {
    Held::new(Object(
        json!({ "metadata": { "name": name, "uid": uid, "resourceVersion": version.to_string() } }),
    ))
}

fn names(objects: &Objects) -> Vec<String> {
    objects
        .all(None)
        .iter()
        .map(|object| format!("{}@{}", object.name(), object.resource_version()))
        .collect()
}

fn with(items: Vec<Held>, version: u64) -> Objects {
    let mut objects = Objects::default();
    objects.listed(items, Some(version));
    objects
}

#[test]
fn an_own_write_is_seen_at_once_and_its_echo_is_no_news() {
    let mut objects = with(vec![object("a", "1", 5)], 10);
    objects.written(object("a", "1", 12));
    assert_eq!(names(&objects), ["a@12"]);
    assert!(!objects.watched(object("a", "1", 11)), "an older one");
    assert!(!objects.watched(object("a", "1", 12)), "the echo");
    assert!(objects.watched(object("a", "1", 13)));
    assert_eq!(names(&objects), ["a@13"]);
}

#[test]
fn versions_are_numbers_and_not_text() {
    let mut objects = with(vec![object("a", "1", 9)], 9);
    objects.written(object("a", "1", 10));
    assert_eq!(names(&objects), ["a@10"]);
}

#[test]
fn the_answer_to_a_write_that_comes_after_the_watch_told_of_its_end_brings_nothing_back() {
    let mut objects = with(vec![], 10);
    objects.watched(object("a", "1", 11));
    objects.watched_end(&object("a", "1", 12));
    objects.written(object("a", "1", 11));
    assert!(names(&objects).is_empty());
}

#[test]
fn a_deleted_object_does_not_come_back_with_what_the_watch_still_has_to_tell() {
    let mut objects = with(vec![object("a", "1", 5)], 10);
    objects.deleted(&object("a", "1", 5).object().expect("JSON"));
    assert!(names(&objects).is_empty());
    assert!(!objects.watched(object("a", "1", 11)));
    objects.listed(vec![object("a", "1", 11)], Some(11));
    assert!(
        names(&objects).is_empty(),
        "a list from before the deletion"
    );
    assert!(!objects.watched_end(&object("a", "1", 12)), "an echo");
    assert!(objects.ended.is_empty());
}

#[test]
fn a_new_object_of_a_deleted_ones_name_stays_when_the_end_of_the_old_one_arrives() {
    let mut objects = with(vec![object("a", "1", 5)], 10);
    objects.deleted(&object("a", "1", 5).object().expect("JSON"));
    objects.written(object("a", "2", 12));
    objects.watched_end(&object("a", "1", 11));
    assert_eq!(names(&objects), ["a@12"]);
}

#[test]
fn a_list_from_before_an_own_write_does_not_undo_it_and_a_later_one_decides() {
    let mut objects = with(vec![], 10);
    objects.written(object("a", "1", 12));
    objects.listed(vec![], Some(11));
    assert_eq!(names(&objects), ["a@12"]);
    objects.listed(vec![], Some(13));
    assert!(names(&objects).is_empty(), "deleted at 13");
}

#[test]
fn after_a_restore_from_a_backup_only_the_list_counts() {
    let mut objects = with(vec![object("a", "1", 500), object("b", "2", 501)], 600);
    assert!(objects.listed(vec![object("a", "1", 90)], Some(100)));
    assert_eq!(names(&objects), ["a@90"]);
    objects.written(object("a", "1", 101));
    assert_eq!(names(&objects), ["a@101"]);
}

#[test]
fn pods_lose_what_nobody_reads_and_jobs_keep_their_field_managers() {
    let full = Object(
        json!({ "metadata": { "name": "a", "managedFields": [{}], "annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "1" } } }),
    );
    let mut pod = full.clone();
    trim(&Kind::POD, &mut pod);
    assert_eq!(
        pod.0,
        json!({ "metadata": { "name": "a", "annotations": { "kept": "1" } } })
    );
    let mut job = full.clone();
    trim(&Kind::JOB, &mut job);
    assert_eq!(job, full);
}

#[tokio::test]
async fn a_list_waits_for_the_first_answer_and_never_falls_back_behind_it() {
    let limit = Duration::from_millis(20);
    let cache = Cache::new();
    let error = cache.list(None, limit).await.expect_err("nothing came");
    assert_eq!(error.reason(), "Unreachable");
    cache.listed(vec![object("a", "1", 1)], Some(1));
    cache.in_touch();
    cache.failed(StoreError::Unreachable("away".to_owned()));
    assert_eq!(
        cache.list(None, limit).await.expect("the last known").len(),
        1
    );
    assert!(cache.trouble().is_some());
}

#[tokio::test]
async fn who_may_not_read_is_told_at_once() {
    let cache = Cache::new();
    cache.failed(StoreError::Forbidden("no".to_owned()));
    let error = cache
        .list(None, Duration::from_hours(1))
        .await
        .expect_err("forbidden");
    assert_eq!(error.reason(), "Forbidden");
}
