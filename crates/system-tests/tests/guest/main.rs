//! Two boards on the USB of a real kernel, with our programs over both transports.

use hsm_testbench::not_tested;
use system_tests::usb::{Board, Guest, Server, board::Speed};

#[test]
fn linux_finds_boards_with_and_without_its_smart_card_service() {
    let (Some(built), Some(tools)) = (Board::built(), Guest::unpacked()) else {
        not_tested("boards on the USB of a real kernel: `cargo xtask firmware test --all`");
        return;
    };
    let [mut one, two] =
        ["KW-U001", "KW-U002"].map(|serial| Board::start(&built, serial, Speed::Full));
    // The first board is in the first port.
    one.press("SHIFT+1 24681357 KEY 24681357 KEY KEY+3 13572468 KEY 13572468 KEY");
    assert_eq!(one.press("SHIFT:1s"), "standby");
    let server = Server::start(&[&one, &two]);
    let mut guest = Guest::start(&tools, &server, 2, &[]);

    // Without the service, over the kernel's USB alone.
    let both = |said: &str| said.contains("KW-U001") && said.contains("KW-U002");
    guest.until("keywriter --transport usb list", both);
    guest.must("age-keygen -o ours && factory root new Maker -r $(age-keygen -y ours)");
    guest.must("factory certify KW-U001 -i ours --usb 1-1");
    assert_eq!(one.press("SHIFT+KEY 13572468 KEY"), "unlocked");
    let keywriter = "keywriter --root factory/root.pem --transport";
    guest.must("head -c 200000 /dev/urandom >plain");
    for (transport, options) in [("usb", ""), ("usb", "--in-module")] {
        guest.must(&format!(
            "rm -f sealed opened; {keywriter} {transport} encrypt plain -o sealed {options}"
        ));
        guest.must(&format!(
            "{keywriter} {transport} decrypt sealed -o opened && cmp plain opened"
        ));
    }

    // With it. Its list must have the boards.
    guest.must("libccid-list /drivers/ifd-ccid.bundle/Contents/Info.plist");
    guest.must("pcscd -f >/run/pcscd.log 2>&1 &");
    guest.until(&format!("{keywriter} pcsc list"), both);
    guest.must(&format!(
        "{keywriter} pcsc decrypt sealed -o again && cmp plain again"
    ));

    // Pulled out, it is gone; back, it is locked, with what it had.
    one.pull();
    guest.until(&format!("{keywriter} pcsc list"), |said| {
        !said.contains("KW-U001")
    });
    one.plug();
    guest.until(&format!("{keywriter} pcsc list"), both);
    assert_eq!(one.press("SHIFT+KEY 13572468 KEY"), "unlocked");
    guest.must(&format!(
        "rm again; {keywriter} pcsc decrypt sealed -o again && cmp plain again"
    ));
}
