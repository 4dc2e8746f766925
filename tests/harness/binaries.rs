//! The programs of a control plane, of a node and of linters, built from Go modules and kept in the user's cache.

mod recipes;

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

pub use self::recipes::Tool;
use self::recipes::{CONTROL_PLANE, LINTERS, NODE, Recipe, STAGES};
use crate::command::{command_line, run};
use crate::{Error, Progress, Result};

/// Where the built programs are.
#[derive(Debug, Clone)]
pub struct Binaries {
    paths: Vec<(Tool, &'static str, PathBuf)>,
    stages: PathBuf,
}

impl Binaries {
    /// The path of a program.
    pub fn path(&self, tool: Tool) -> &Path {
        // `ensure` puts every tool in the list.
        self.paths
            .iter()
            .find(|(t, ..)| *t == tool)
            .map_or(Path::new(""), |(.., path)| path)
    }

    /// Every program's name and path, in the order of building.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        self.paths
            .iter()
            .map(|(_, name, path)| (*name, path.as_path()))
    }

    /// The directory with kwok's stage files.
    pub(crate) fn stages(&self) -> &Path {
        &self.stages
    }
}

/// Builds what is missing (about 15 minutes the first time, on two cores) and says where it is.
/// Two processes that ask at the same time do not build twice.
pub fn ensure(progress: Progress) -> Result<Binaries> {
    static DONE: OnceLock<Binaries> = OnceLock::new();
    if let Some(done) = DONE.get() {
        return Ok(done.clone());
    }
    let go = go_version()?;
    let cache = cache()?;
    fs::create_dir_all(&cache).map_err(Error::file("create", &cache))?;
    let places = places(CONTROL_PLANE, &cache, &go)?;
    let stages = cache.join(key("kwok", &go)?).join("stages");
    build_missing(&places, &cache, progress)?;
    if !stages.exists() {
        let _lock = lock(&cache, progress)?;
        if !stages.exists() {
            copy_stages(&stages)?;
        }
    }
    let paths = paths(places);
    Ok(DONE.get_or_init(|| Binaries { paths, stages }).clone())
}

/// The same for a node's programs beside those of a control plane (about 5 minutes more the first time).
pub fn ensure_node(progress: Progress) -> Result<Binaries> {
    ensure_with(NODE, progress)
}

/// The same for linters of manifests beside the programs of a control plane (about 3 minutes more the first time).
pub fn ensure_linters(progress: Progress) -> Result<Binaries> {
    ensure_with(LINTERS, progress)
}

fn ensure_with(recipes: &'static [Recipe], progress: Progress) -> Result<Binaries> {
    let mut binaries = ensure(progress)?;
    let cache = cache()?;
    let places = places(recipes, &cache, &go_version()?)?;
    build_missing(&places, &cache, progress)?;
    binaries.paths.extend(paths(places));
    Ok(binaries)
}

fn build_missing(places: &[Place], cache: &Path, progress: Progress) -> Result<()> {
    if places.iter().all(built) {
        return Ok(());
    }
    let _lock = lock(cache, progress)?;
    for (recipe, place) in places.iter().filter(|place| !built(place)) {
        build(recipe, place, progress)?;
    }
    Ok(())
}

type Place = (&'static Recipe, PathBuf);

fn places(recipes: &'static [Recipe], cache: &Path, go: &str) -> Result<Vec<Place>> {
    recipes
        .iter()
        .map(|recipe| Ok((recipe, cache.join(key(recipe.module, go)?))))
        .collect()
}

fn built((recipe, place): &Place) -> bool {
    place.join(recipe.name).exists()
}

fn paths(places: Vec<Place>) -> Vec<(Tool, &'static str, PathBuf)> {
    places
        .into_iter()
        .map(|(recipe, place)| (recipe.tool, recipe.name, place.join(recipe.name)))
        .collect()
}

/// The version of the `go` on the PATH.
pub(crate) fn go_version() -> Result<String> {
    let mut command = Command::new("go");
    command
        .args(["env", "GOVERSION"])
        .current_dir(modules().join("kubernetes"));
    let output = run(command, None);
    if output.succeeded() {
        Ok(output.stdout.trim().to_owned())
    } else {
        Err(Error::NoGo(output.stderr.trim().to_owned()))
    }
}

/// The Go modules, beside this file.
fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/modules")
}

/// The user's cache of this project's programs.
pub fn cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(directory) => PathBuf::from(directory),
        None => std::env::home_dir()
            .ok_or(std::io::ErrorKind::NotFound.into())
            .map_err(Error::file(
                "find the home directory for",
                "the build cache",
            ))?
            .join(".cache"),
    };
    Ok(base.join("commonwatt/bin"))
}

/// The name of a module's folder in the cache: another one as soon as anything that shapes its binaries
/// changes. Old folders stay, since another branch may still use them; they cost about 600 MB.
fn key(module: &str, go: &str) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    go.hash(&mut hasher);
    for name in ["go.mod", "go.sum", "main.go"] {
        let path = modules().join(module).join(name);
        // A module without dependencies has no sums, and most have no source of their own.
        if !path.exists() {
            continue;
        }
        fs::read(&path)
            .map_err(Error::file("read", &path))?
            .hash(&mut hasher);
    }
    for recipe in recipes::all().filter(|recipe| recipe.module == module) {
        (recipe.name, recipe.package, recipe.stamp).hash(&mut hasher);
        if let Some(tags) = recipe.c_tags {
            tags.hash(&mut hasher);
        }
        if let Some(experiment) = recipe.experiment {
            experiment.hash(&mut hasher);
        }
    }
    // A hash that differs under another Rust release costs one more link from Go's own cache.
    Ok(format!("{module}-{:016x}", hasher.finish()))
}

/// Held while building.
fn lock(cache: &Path, progress: Progress) -> Result<File> {
    let path = cache.join("lock");
    let file = File::create(&path).map_err(Error::file("create", &path))?;
    if file.try_lock().is_err() {
        progress.say("waiting for another process that builds the control plane ...");
        file.lock().map_err(Error::file("lock", &path))?;
    }
    Ok(file)
}

fn build(recipe: &Recipe, place: &Path, progress: Progress) -> Result<()> {
    let Recipe {
        name,
        version,
        cold,
        ..
    } = recipe;
    progress.say(&format!(
        "building {name} {version} (about {cold} cold) ..."
    ));
    let start = Instant::now();
    fs::create_dir_all(place).map_err(Error::file("create", place))?;
    // Under another name until it is whole: a build that is cut off leaves nothing that looks done.
    let unfinished = place.join(format!("{name}.new"));
    let flags: Vec<_> = recipe
        .stamp
        .iter()
        .map(|variable| format!("-X {variable}"))
        .collect();
    let mut command = Command::new("go");
    command
        .env(
            "CGO_ENABLED",
            if recipe.c_tags.is_some() { "1" } else { "0" },
        )
        .current_dir(modules().join(recipe.module))
        .args([
            "build",
            "-buildvcs=false",
            "-ldflags",
            &format!("-s -w {}", flags.join(" ")),
            "-tags",
            recipe.c_tags.unwrap_or_default(),
        ])
        .arg("-o")
        .arg(&unfinished)
        .arg(recipe.package);
    if let Some(experiment) = recipe.experiment {
        command.env("GOEXPERIMENT", experiment);
    }
    go(name, command)?;
    let path = place.join(name);
    fs::rename(&unfinished, &path).map_err(Error::file("write", &path))?;
    progress.say(&format!("built {name} in {} s", start.elapsed().as_secs()));
    Ok(())
}

fn copy_stages(to: &Path) -> Result<()> {
    let mut command = Command::new("go");
    command.current_dir(modules().join("kwok")).args([
        "list",
        "-m",
        "-f",
        "{{.Dir}}",
        "sigs.k8s.io/kwok",
    ]);
    let module = PathBuf::from(go("kwok", command)?.trim());
    let unfinished = to.with_extension("new");
    fs::create_dir_all(&unfinished).map_err(Error::file("create", &unfinished))?;
    for stage in STAGES {
        let from = module.join(stage);
        let name = from.file_name().unwrap_or_default();
        // Read and write, not copy: files in Go's module cache are read-only, and so would the copy be.
        let text = fs::read(&from).map_err(Error::file("read", &from))?;
        let copy = unfinished.join(name);
        fs::write(&copy, text).map_err(Error::file("write", &copy))?;
    }
    fs::rename(&unfinished, to).map_err(Error::file("write", to))
}

/// Runs `go` and gives its stdout.
fn go(tool: &'static str, command: Command) -> Result<String> {
    let line = command_line(&command);
    let directory = command
        .get_current_dir()
        .unwrap_or(Path::new("."))
        .to_owned();
    let output = run(command, None);
    if output.succeeded() {
        return Ok(output.stdout);
    }
    let lines: Vec<_> = output.stderr.lines().collect();
    let output = lines[lines.len().saturating_sub(20)..].join("\n");
    Err(Error::Build {
        tool,
        command: line,
        directory,
        output,
    })
}
