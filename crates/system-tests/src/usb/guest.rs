//! A guest: Debian's kernel with a virtual USB host controller, `udev`, `pcscd` and our programs, in an emulator. Nothing of
//! this computer's devices or files is in it but what is copied.

use super::{archive::Archive, connect, server::Server};
use crate::lab::program;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A running guest. Dropped, it ends.
pub struct Guest {
    emulator: Child,
    folder: TempDir,
    shell: BufReader<UnixStream>,
}

/// What a command printed, on both channels, and its exit code.
#[derive(Debug)]
pub struct Ran {
    /// Standard output and errors, as they came.
    pub said: String,
    /// The exit code.
    pub code: i32,
}

impl Guest {
    /// Returns the folder of what `cargo xtask firmware test --all` has unpacked, if it has.
    pub fn unpacked() -> Option<PathBuf> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/guest");
        tools.join("done").exists().then_some(tools)
    }

    /// Starts it, with so many devices of a server, and waits until it takes commands. `files` are put into its folder
    /// `/root`, in which commands run.
    pub fn start(tools: &Path, server: &Server, devices: usize, files: &[(&str, &[u8])]) -> Self {
        let root = tools.join("root");
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let mut archive = system(&root);
        for (name, content) in files {
            archive.file(&format!("root/{name}"), 0o644, content);
        }
        archive.file("devices", 0o644, devices.to_string().as_bytes());
        archive.file(
            "server",
            0o644,
            format!("10.0.2.2:{}", server.port()).as_bytes(),
        );
        fs::write(path("archive"), archive.finish()).expect("room on the disk");
        let mut command = Command::new(tools.join("bin/qemu-system-x86_64"));
        command
            .args(["-L", text(&root.join("usr/share/qemu"))])
            .args(["-L", text(&root.join("usr/share/seabios"))])
            .args("-M pc -accel tcg,thread=multi -cpu max -smp 2 -m 1024".split(' '))
            .args("-nodefaults -no-user-config -display none -no-reboot".split(' '))
            .args([
                "-kernel",
                text(&kernel(&root)),
                "-initrd",
                text(&path("archive")),
            ])
            .args(["-append", KERNEL_OPTIONS])
            .args(["-serial", &format!("file:{}", text(&path("console")))])
            .args([
                "-chardev",
                &format!(
                    "socket,id=shell,path={},server=on,wait=off",
                    text(&path("shell"))
                ),
            ])
            .args(["-serial", "chardev:shell"])
            .args([
                "-netdev",
                "user,id=net",
                "-device",
                "e1000,netdev=net,romfile=",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(path("errors")).expect("a file"));
        let emulator = command.spawn().expect("the emulator starts");
        let shell = connect(&path("shell"));
        shell.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut guest = Self {
            emulator,
            shell: BufReader::new(shell),
            folder,
        };
        guest.await_ready();
        guest
    }

    fn await_ready(&mut self) {
        let mut line = String::new();
        let read = self.shell.read_line(&mut line);
        assert!(
            read.is_ok() && line == "ready\n",
            "the guest does not start: {line} {}",
            self.console()
        );
    }

    /// Returns what its kernel and its first program have said.
    pub fn console(&self) -> String {
        let said = ["console", "errors"].map(|name| self.folder.path().join(name));
        let said = said.map(|path| fs::read(path).unwrap_or_default());
        String::from_utf8_lossy(&said.concat()).into_owned()
    }

    /// Runs a command of its shell.
    #[track_caller]
    pub fn run(&mut self, command: &str) -> Ran {
        assert!(!command.contains('\n'), "one line");
        let sent = writeln!(self.shell.get_mut(), "{command}");
        let mut head = String::new();
        let answered = sent.and_then(|()| self.shell.read_line(&mut head));
        answered.unwrap_or_else(|error| panic!("{command}: {error}"));
        let numbers = head.trim().split_once(' ');
        let (len, code) =
            numbers.unwrap_or_else(|| panic!("{command}: {head}\n{}", self.console()));
        let mut said = vec![0; len.parse().expect("a length")];
        self.shell.read_exact(&mut said).expect("what it said");
        Ran {
            said: String::from_utf8_lossy(&said).into_owned(),
            code: code.parse().expect("an exit code"),
        }
    }

    /// Runs a command that must succeed; what it printed.
    #[track_caller]
    pub fn must(&mut self, command: &str) -> String {
        let ran = self.run(command);
        assert_eq!(ran.code, 0, "{command}: {}", ran.said);
        ran.said
    }

    /// Runs a command again until it prints what is wanted; the last it printed.
    #[track_caller]
    pub fn until(&mut self, command: &str, is_right: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.run(command).said;
            if is_right(&said) {
                return said;
            }
            assert!(Instant::now() < end, "{command} still says {said}");
            thread::sleep(Duration::from_millis(300));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let ended = self.emulator.kill().and_then(|()| self.emulator.wait());
        if let Err(error) = ended {
            eprintln!("the guest did not end: {error}");
        }
    }
}

/// Returns the guest's files, but for those of a test.
fn system(root: &Path) -> Archive {
    let mut archive = Archive::default();
    for folder in ["dev", "proc", "run", "sys", "tmp", "root"] {
        archive.folder(folder);
    }
    let busybox = root.join("bin/busybox");
    archive.copy(&busybox, "bin/busybox").expect("unpacked");
    let names = Command::new(&busybox).arg("--list").output();
    for name in String::from_utf8_lossy(&names.expect("busybox runs").stdout).lines() {
        if name != "busybox" {
            archive.link(&format!("bin/{name}"), "busybox");
        }
    }
    let modules = modules(root);
    for module in MODULES {
        let name = Path::new(module).file_name().and_then(|name| name.to_str());
        let to = format!("modules/{}", name.expect("a name"));
        archive.copy(&modules.join(module), &to).expect("unpacked");
    }
    let programs = [
        root.join("bin/udevadm"),
        "/usr/sbin/pcscd".into(),
        "/usr/bin/age".into(),
        "/usr/bin/age-keygen".into(),
        program("keywriter"),
        program("factory"),
        program("vhci"),
    ];
    for path in &programs {
        let name = path.file_name().and_then(|name| name.to_str());
        let to = format!("usr/bin/{}", name.expect("a name"));
        archive.file(&to, 0o755, &stripped(path));
    }
    archive.link("usr/bin/systemd-udevd", "udevadm");
    let driver = root.join("usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Linux/libccid.so");
    archive
        .copy(&driver, "drivers/ifd-ccid.bundle/Contents/Linux/libccid.so")
        .expect("unpacked");
    let list = root.join("etc/libccid_Info.plist");
    archive
        .copy(&list, "drivers/ifd-ccid.bundle/Contents/Info.plist")
        .expect("unpacked");
    let lister = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/libccid-list");
    archive.copy(&lister, "usr/bin/libccid-list").expect("ours");
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/70-keywriter.rules");
    archive
        .copy(&rules, "lib/udev/rules.d/70-keywriter.rules")
        .expect("ours");
    libraries(root, &mut archive, programs.iter().chain([&driver]));
    archive.file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n");
    archive.file("etc/group", 0o644, b"root:x:0:\n");
    archive.file("init", 0o755, INIT.as_bytes());
    archive.file("shell", 0o755, SHELL.as_bytes());
    archive
}

/// Adds the shared libraries of these programs: the unpacked ones, or else this computer's.
fn libraries<'p>(root: &Path, archive: &mut Archive, programs: impl Iterator<Item = &'p PathBuf>) {
    let folders = [
        "usr/lib/x86_64-linux-gnu",
        "lib/x86_64-linux-gnu",
        "lib/systemd",
    ];
    let folders = folders.map(|folder| text(&root.join(folder)).to_owned());
    let mut ldd = Command::new("ldd");
    ldd.env("LD_LIBRARY_PATH", folders.join(":")).args(programs);
    let list = ldd.output().expect("ldd runs");
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let mut paths: Vec<&str> = list
        .split_whitespace()
        .filter(|word| word.starts_with('/') && !word.ends_with(':'))
        .collect();
    // libpcsclite is opened by name.
    let client = ["/usr/lib/x86_64-linux-gnu/libpcsclite.so.1"];
    paths.extend(client.iter().filter(|path| Path::new(path).exists()));
    paths.sort_unstable();
    paths.dedup();
    let mut known = Vec::new();
    for path in paths {
        let name = Path::new(path).file_name().and_then(|name| name.to_str());
        let name = name.expect("a library's name");
        if known.contains(&name) {
            continue;
        }
        known.push(name);
        let folder = if name.starts_with("ld-linux") {
            "lib64"
        } else {
            "lib/x86_64-linux-gnu"
        };
        archive
            .copy(Path::new(path), &format!("{folder}/{name}"))
            .expect("a library");
    }
}

/// Returns a program without what only a debugger reads, which is most of it.
fn stripped(path: &Path) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("program");
    let mut strip = Command::new("strip");
    let stripped = strip.arg("-o").arg(&copy).arg(path).status();
    assert!(
        stripped.expect("strip runs").success(),
        "{}",
        path.display()
    );
    fs::read(copy).expect("what strip wrote")
}

/// Returns the folder of the kernel's modules.
fn modules(root: &Path) -> PathBuf {
    only(&root.join("lib/modules"), "").join("kernel")
}

fn kernel(root: &Path) -> PathBuf {
    only(&root.join("boot"), "vmlinuz-")
}

/// Returns the only entry of a folder whose name begins so.
fn only(folder: &Path, begin: &str) -> PathBuf {
    let entries = fs::read_dir(folder).expect("unpacked");
    let mut entries: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(begin))
        })
        .collect();
    assert_eq!(entries.len(), 1, "{}: {entries:?}", folder.display());
    entries.remove(0)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// What the kernel needs for the virtual host controller and for the network, in the order of their dependencies.
const MODULES: [&str; 5] = [
    "drivers/usb/common/usb-common.ko",
    "drivers/usb/core/usbcore.ko",
    "drivers/usb/usbip/usbip-core.ko",
    "drivers/usb/usbip/vhci-hcd.ko",
    "drivers/net/ethernet/intel/e1000/e1000.ko",
];

const KERNEL_OPTIONS: &str =
    "console=ttyS0 panic=-1 mitigations=off random.trust_cpu=on loglevel=6";

/// The first program: devices, network, boards, then the shell on the second serial port.
const INIT: &str = "\
#!/bin/busybox sh
export PATH=/usr/bin:/bin HOME=/root XDG_STATE_HOME=/root/state
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
for module in usb-common usbcore usbip-core vhci-hcd e1000; do insmod /modules/$module.ko; done
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
mkdir -p /usr/lib/pcsc
ln -s /drivers /usr/lib/pcsc/drivers
systemd-udevd --daemon
udevadm trigger --action=add
udevadm settle
vhci $(cat /server) $(cat /devices) &
cd /root
exec sh /shell </dev/ttyS1 >/dev/ttyS1
";

/// Runs a line, and says how long its output is, its exit code, and the output.
const SHELL: &str = "\
stty raw -echo </dev/ttyS1
echo ready
while read -r line; do
    sh -c \"$line\" </dev/null >/run/said 2>&1
    code=$?
    echo \"$(wc -c </run/said) $code\"
    cat /run/said
done
";

/// How long anything may take that is waited for, on a computer with much else to do.
const PATIENCE: Duration = Duration::from_mins(10);
