//! What the operator's image is made of, and how its binary is built.

use crate::layout::{File, Image, architecture};

/// The profile that the binary is built with.
pub const PROFILE: &str = "image";
/// Without a C library beside it the image needs nothing else.
pub const RUSTFLAGS: &str = "-C target-feature=+crt-static";
/// What is built.
pub const BINARY: &str = "commonwatt";
/// The public authorities. Without them no client can be made at all, not even for a server that has an authority of its own.
pub const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

const USER: &str = "65532:65532";
const ENTRYPOINT: &str = "/commonwatt";

/// The arguments of `cargo` for the binary. A target is named, if only this machine's own, so that build scripts and macros
/// are not built with [`RUSTFLAGS`].
pub fn cargo_build(target: &str) -> [&str; 9] {
    [
        "build",
        "--locked",
        "--profile",
        PROFILE,
        "--target",
        target,
        "--package",
        "commonwatt",
        "--bins",
    ]
}

/// The target that the binary is built for: the C library that Rust's own tools come with.
pub fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// The image around a binary and the authorities' certificates.
pub fn image(name: &str, binary: Vec<u8>, authorities: Vec<u8>) -> Image {
    Image {
        name: name.to_owned(),
        architecture: architecture(),
        user: USER,
        entrypoint: vec![ENTRYPOINT],
        labels: labels(),
        files: vec![
            File {
                path: "commonwatt",
                executable: true,
                bytes: binary,
            },
            File {
                path: AUTHORITIES,
                executable: false,
                bytes: authorities,
            },
        ],
    }
}

fn labels() -> Vec<(&'static str, String)> {
    let label = |key, value: &str| (key, value.to_owned());
    vec![
        label("org.opencontainers.image.title", "commonwatt"),
        label(
            "org.opencontainers.image.description",
            "Places AI model workloads by cost and carbon, inside each place's power, water and grid limits",
        ),
        label(
            "org.opencontainers.image.version",
            env!("CARGO_PKG_VERSION"),
        ),
        label("org.opencontainers.image.licenses", "Apache-2.0"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An instruction of `deploy/Dockerfile`, in one line, for each time that it is given.
    fn instructions(name: &str) -> Vec<String> {
        include_str!("../../Dockerfile")
            .replace("\\\n", " ")
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .map(|rest| rest.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn the_dockerfile_ends_with_the_same_user_entrypoint_labels_and_files() {
        let image = image("x", Vec::new(), Vec::new());
        assert_eq!(instructions("USER"), [image.user]);
        assert_eq!(
            instructions("ENTRYPOINT"),
            [format!("[\"{}\"]", image.entrypoint[0])]
        );
        let labels: Vec<_> = image
            .labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{value}\""))
            .collect();
        assert_eq!(instructions("LABEL"), [labels.join(" ")]);
        let copied: Vec<_> = instructions("COPY")
            .iter()
            .filter(|copy| copy.starts_with("--from=build "))
            .filter_map(|copy| copy.rsplit(' ').next().map(str::to_owned))
            .collect();
        let files: Vec<_> = image
            .files
            .iter()
            .map(|file| format!("/{}", file.path))
            .collect();
        assert_eq!(copied, files);
        assert_eq!(
            instructions("FROM").last().map(String::as_str),
            Some("scratch")
        );
    }

    #[test]
    fn the_dockerfile_builds_the_binary_with_the_same_flags_and_compiler() {
        let build = instructions("RUN").join("\n");
        let cargo = format!("cargo {}", cargo_build("\"$target\"").join(" "));
        assert!(build.contains(&cargo), "{build}\nlacks\n{cargo}");
        assert!(
            build.contains(&format!("RUSTFLAGS=\"{RUSTFLAGS}\"")),
            "{build}"
        );
        let toolchain = include_str!("../../../rust-toolchain.toml");
        let channel = toolchain
            .lines()
            .find_map(|line| line.strip_prefix("channel = "))
            .unwrap()
            .trim_matches('"');
        let from = &instructions("FROM")[0];
        assert!(from.starts_with(&format!("rust:{channel}-")), "{from}");
    }
}
