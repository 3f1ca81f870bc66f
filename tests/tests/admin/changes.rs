//! Changes of one entry at once.

use crate::script::Script;
use serde_json::json;
use tests::home::Home;

pub(crate) fn of_changes_at_once_one_is_made(home: &Home) {
    let gateway = home.serve();
    let script = Script::of_client(home, &gateway, &home.first().name, &["admin"]);
    let path =
        format!("/users/{}", script.post("/users", &json!({ "name": "ada", "roles": ["provider"] })).done(201).id());
    for _ in 0..5 {
        let seen = script.get(&path).done(200).tag;
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let change = |display: &'static str| {
                let (path, seen, token, gateway) = (&path, &seen, &script.token, &gateway);
                scope.spawn(move || {
                    let mine = Script::new(gateway, token);
                    mine.patch(path, seen, &json!({ "display": display })).status
                })
            };
            let all = ["one", "two", "three"].map(change);
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 2, "{statuses:?}");
    }
    assert_eq!(script.get(&path).done(200).tag, "\"6\"");
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify", "--records"]);
}
