//! As an ordinary user: settings, documents and state in the XDG directories, and services of that user.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::support::{has, is_root, until};

const NOBODY: u32 = 65534;

/// Ends what it began.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A command of somebody who is not root, with this home.
fn command(program: &Path, home: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home).current_dir("/").stdin(Stdio::null());
    command
}

#[test]
fn an_ordinary_user_has_everything_in_the_xdg_directories() {
    if is_root() && !has("/usr/bin/setpriv") {
        return;
    }
    // A place that everybody can reach.
    let place = tempfile::Builder::new().prefix("selfsame-test-").tempdir_in("/tmp").unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = place.path().join("selfsame");
    assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_selfsame")).arg(&program).status().unwrap().success());
    let home = place.path().join("home");
    let config = home.join(".config/selfsame");
    write(
        &config.join("engine.yaml"),
        "apiVersion: selfsame/v1\nkind: Engine\nmetadata: {name: mine}\nspec: {stopOnExit: true}\n",
    );
    write(
        &config.join("specs/sleeper.yaml"),
        "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: sleeper}\nspec: {startas: /bin/sleep, args: [\"10000\"]}\n",
    );
    if is_root() {
        for path in ["", ".config", ".config/selfsame", ".config/selfsame/specs"] {
            chown(home.join(path), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        for file in ["engine.yaml", "specs/sleeper.yaml"] {
            chown(config.join(file), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let log = fs::File::create(place.path().join("log")).unwrap();
    let watch = command(&program, &home).arg("watch").stdout(log.try_clone().unwrap()).stderr(log).spawn();
    let watch = Guard(watch.unwrap());
    let status = || -> serde_json::Value {
        let output = command(&program, &home).args(["status", "--output", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    };
    let said = || fs::read_to_string(place.path().join("log")).unwrap_or_default();
    let phase = |status: &serde_json::Value| status["objects"][0]["phase"] == "Running";
    until(&format!("the service to run: {}", said()), || phase(&status()));
    let pid = status()["objects"][0]["instances"][0]["pid"].as_i64().unwrap();
    let uid = fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    assert_eq!(uid, fs::metadata(&home).unwrap().uid(), "it is the user's own");
    for name in ["run/watch.json", "log"] {
        assert!(home.join(".local/state/selfsame").join(name).exists(), "{name}");
    }
    drop(watch);
    assert!(
        !Path::new(&format!("/proc/{pid}")).exists(),
        "`stopOnExit` of the user's own settings: {}",
        said()
    );
}
