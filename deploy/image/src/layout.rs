//! An OCI image layout in one tar archive, as `ctr images import`, `podman load`, `docker load` and `skopeo` read it. The
//! same files give the same bytes: names are sorted and every time is 1970.

use std::fmt::Write as _;
use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// An image of one layer.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its whole name, as `registry.example/commonwatt:0.1.0`.
    pub name: String,
    /// `amd64`, `arm64`, ... ([`architecture`]).
    pub architecture: &'static str,
    /// Who its process is: `uid:gid`, in numbers, since `runAsNonRoot` cannot judge a name.
    pub user: &'static str,
    /// What starts.
    pub entrypoint: Vec<&'static str>,
    /// What it says about itself.
    pub labels: Vec<(&'static str, String)>,
    /// What is in it.
    pub files: Vec<File>,
}

/// A file of an image. Root owns it and nobody may write it; the folders above it come with it.
#[derive(Debug, Clone)]
pub struct File {
    /// Where it is, without the first slash.
    pub path: &'static str,
    /// Whether it is a program.
    pub executable: bool,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What images call this machine's processor.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Writes the archive.
pub fn write(image: &Image, to: impl Write) -> io::Result<()> {
    let files = layer(&image.files)?;
    let zipped = gzip(&files)?;
    let config = encode(&json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": image.architecture,
        "os": "linux",
        "config": {
            "User": image.user,
            "Entrypoint": image.entrypoint,
            "WorkingDir": "/",
            "Labels": labels(image),
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(&files)]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "cargo xtask image"}],
    }))?;
    let manifest = encode(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, &config),
        "layers": [descriptor(LAYER, &zipped)],
    }))?;
    let mut described = descriptor(MANIFEST, &manifest);
    described["platform"] = json!({"architecture": image.architecture, "os": "linux"});
    // containerd takes the whole name from the first, others a tag from the second.
    described["annotations"] = json!({
        "io.containerd.image.name": image.name,
        "org.opencontainers.image.ref.name": tag(&image.name),
    });
    let index = encode(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [described]}))?;

    let mut blobs = [&config, &manifest, &zipped].map(|blob| (blob_path(blob), blob.as_slice()));
    blobs.sort();
    let mut archive = Builder::new(to);
    folder(&mut archive, "blobs/")?;
    folder(&mut archive, "blobs/sha256/")?;
    for (path, bytes) in blobs {
        file(&mut archive, &path, 0o644, bytes)?;
    }
    file(&mut archive, "index.json", 0o644, &index)?;
    let version = encode(&json!({"imageLayoutVersion": "1.0.0"}))?;
    file(&mut archive, "oci-layout", 0o644, &version)?;
    archive.into_inner()?.flush()
}

/// What follows the last colon of a name, if that is not the port of a registry.
fn tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => tag,
        _ => "latest",
    }
}

fn labels(image: &Image) -> Value {
    let pairs = image.labels.iter();
    pairs.map(|(key, value)| (*key, value.as_str())).collect()
}

fn layer(files: &[File]) -> io::Result<Vec<u8>> {
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by_key(|file| file.path);
    let mut archive = Builder::new(Vec::new());
    let mut made: Vec<&str> = Vec::new();
    for each in files {
        for (end, _) in each.path.match_indices('/') {
            let above = &each.path[..=end];
            if !made.contains(&above) {
                folder(&mut archive, above)?;
                made.push(above);
            }
        }
        let mode = if each.executable { 0o555 } else { 0o444 };
        file(&mut archive, each.path, mode, &each.bytes)?;
    }
    archive.into_inner()
}

fn folder<W: Write>(archive: &mut Builder<W>, path: &str) -> io::Result<()> {
    let mut header = header(0o755, 0);
    header.set_entry_type(EntryType::Directory);
    archive.append_data(&mut header, path, io::empty())
}

fn file<W: Write>(archive: &mut Builder<W>, path: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
    archive.append_data(&mut header(mode, bytes.len() as u64), path, bytes)
}

/// Root's, in 1970.
fn header(mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    writer.write_all(bytes)?;
    writer.finish()
}

fn encode(value: &Value) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}

fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(blob), "size": blob.len()})
}

fn digest(blob: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(blob))
}

fn blob_path(blob: &[u8]) -> String {
    format!("blobs/sha256/{}", hexadecimal(blob))
}

fn hexadecimal(blob: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(blob) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;

    fn image(files: Vec<File>) -> Image {
        Image {
            name: "registry.example:5000/thing:1.2".to_owned(),
            architecture: "amd64",
            user: "65532:65532",
            entrypoint: vec!["/bin/thing"],
            labels: vec![("title", "thing".to_owned())],
            files,
        }
    }

    fn files() -> Vec<File> {
        let file = |path, executable| File {
            path,
            executable,
            bytes: path.as_bytes().to_vec(),
        };
        vec![file("etc/thing.conf", false), file("bin/thing", true)]
    }

    fn written(image: &Image) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(image, &mut bytes).unwrap();
        bytes
    }

    /// Path → mode and content.
    fn unpacked(archive: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (path, (entry.header().mode().unwrap(), bytes))
        });
        entries.collect()
    }

    #[test]
    fn the_same_files_in_another_order_give_the_same_bytes() {
        let mut reversed = files();
        reversed.reverse();
        assert_eq!(written(&image(files())), written(&image(reversed)));
    }

    #[test]
    fn every_digest_leads_to_a_blob_that_has_it_and_the_layer_holds_the_files() {
        let layout = unpacked(&written(&image(files())));
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap();
            let (_, bytes) = &layout[&format!("blobs/{}", digest.replace(':', "/"))];
            assert_eq!(super::digest(bytes), digest);
            assert_eq!(descriptor["size"], bytes.len());
            bytes.clone()
        };
        let index: Value = serde_json::from_slice(&layout["index.json"].1).unwrap();
        let described = &index["manifests"][0];
        assert_eq!(
            described["annotations"]["org.opencontainers.image.ref.name"],
            "1.2"
        );
        let manifest: Value = serde_json::from_slice(&blob(described)).unwrap();
        let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!(config["config"]["Labels"]["title"], "thing");
        let mut layer = Vec::new();
        flate2::read::GzDecoder::new(blob(&manifest["layers"][0]).as_slice())
            .read_to_end(&mut layer)
            .unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], digest(&layer));
        let found: Vec<_> = unpacked(&layer)
            .into_iter()
            .map(|(path, (mode, _))| (path, mode))
            .collect();
        let expected = [
            ("bin/", 0o755),
            ("bin/thing", 0o555),
            ("etc/", 0o755),
            ("etc/thing.conf", 0o444),
        ]
        .map(|(path, mode)| (path.to_owned(), mode));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_registrys_port_is_not_a_tag() {
        assert_eq!(tag("registry.example:5000/thing"), "latest");
    }
}
