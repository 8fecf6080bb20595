// What a ticket allows, in words, and the code with which a custodian agrees to it (docs/PROTOCOL.md § 6). The ticket is
// what follows the # of the address, or comes from a file of this device; nothing of it is sent anywhere.
const words = document.getElementById("words").dataset;
const say = (key, values) => words[key].replace(/%(\w+)%/g, (_, name) => values[name]);

class Malformed extends Error {}
const check = (isRight) => { if (!isRight) throw new Malformed(); };

/** Reads fields one after the other. */
class Reader {
  constructor(bytes) { this.rest = bytes; }
  bytes(count) {
    check(this.rest.length >= count);
    const taken = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    return taken;
  }
  number(count) { return this.bytes(count).reduce((number, byte) => number * 256 + byte, 0); }
  /** All that remains, in pieces of one size, ascending and none twice. */
  list(size, most, read) {
    const list = [];
    let last = "";
    while (this.rest.length > 0) {
      const piece = this.bytes(size);
      check(last < hex(piece) && list.length < most);
      last = hex(piece);
      list.push(read(piece));
    }
    return list;
  }
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A serial number: capital letters, digits and hyphens, then zeros. */
function serial(padded) {
  const end = padded.indexOf(0);
  const text = String.fromCharCode(...(end < 0 ? padded : padded.subarray(0, end)));
  check(/^[A-Z0-9-]+$/.test(text) && padded.subarray(text.length).every((byte) => byte === 0));
  return text;
}

const certificate = (hash) => say("certificate", { hash: hex(hash.subarray(0, 4)) });

/** Which modules may become clones, and by which choices. */
function copies(reader) {
  const options = reader.number(1);
  check(options < 8);
  const names = ["autoLock", "pinPolicy", "disableMaster"];
  const chosen = names.filter((_, bit) => options & (1 << bit)).map((name) => words[name]);
  const count = reader.number(2);
  let to;
  if (count === 0) {
    const serials = reader.list(16, 16, serial);
    check(serials.length > 0);
    to = say("named", { serials: serials.join(", ") });
  } else {
    check(count <= 250);
    to = say(count === 1 ? "anyOne" : "any", { count });
  }
  return { to, choices: chosen.join(", ") || words.none };
}

function rekey(reader) {
  const mayDrop = reader.number(1);
  check(mayDrop <= 1);
  const serials = reader.list(16, 64, serial).join(", ");
  return (serials ? say("rekey", { serials }) : words.rekeyNobody) + (mayDrop ? " " + words.drops : "");
}

function policy(reader) {
  const quorum = reader.number(1);
  const custodians = reader.list(48, 8, certificate);
  check(quorum <= custodians.length && (quorum === 0) === (custodians.length === 0));
  return quorum === 0 ? words.askNobody : say("policy", { quorum, custodians: custodians.join(", ") });
}

function act(reader) {
  const kind = reader.number(1);
  if (kind === 1 || kind === 2) {
    const { to, choices } = copies(reader);
    return [[words.allows, say(kind === 1 ? "clone" : "letter", { to })], [words.choices, choices]];
  }
  check(kind === 3 || kind === 4);
  return [[words.allows, kind === 3 ? rekey(reader) : policy(reader)]];
}

/** Returns what a ticket says, as rows of a name and a text. There is one encoding of a ticket, and no other is read. */
function read(bytes) {
  check(bytes.length <= 1024);
  const reader = new Reader(bytes);
  check(hex(reader.bytes(3)) === "010901");
  const number = hex(reader.bytes(16));
  const group = hex(reader.bytes(16));
  const epoch = reader.number(4);
  reader.bytes(8);
  const master = certificate(reader.bytes(48));
  reader.bytes(16);
  const rows = act(reader);
  check(reader.rest.length === 0);
  rows.push([words.master, master], [words.team, say("group", { group, epoch })], [words.ticket, number]);
  return rows;
}

const sha384 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-384", await new Blob(parts).arrayBuffer()));
const wide = (bytes) => new DataView(bytes.buffer).getBigUint64(0);
const digits = (number) => String(number % 100000000n).padStart(8, "0");

/** Draws a code for a ticket: eight digits at random, and eight that follow from them and the ticket. */
async function code(bytes) {
  const drawn = digits(wide(crypto.getRandomValues(new Uint8Array(8))));
  const follows = digits(wide(await sha384("KeyWriter v1 approval code", drawn, await sha384(bytes))));
  return (drawn + follows).match(/\d{4}/g);
}

function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw new Malformed();
  }
}

/** Reads what follows the # of the address. */
function fromAddress(text) {
  check(/^[A-Za-z0-9_-]+$/.test(text));
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

/** Reads the one ticket of a file. */
function fromFile(text) {
  const blocks = text.matchAll(/-----BEGIN KEYWRITER TICKET-----([A-Za-z0-9+/=\s]+)-----END KEYWRITER TICKET-----/g);
  const found = new Set(Array.from(blocks, (block) => block[1].replace(/\s/g, "")));
  check(found.size === 1);
  return fromBase64([...found][0]);
}

const shown = document.getElementById("ticket");
const wrong = document.getElementById("wrong");

async function show(get) {
  shown.hidden = true;
  wrong.hidden = true;
  try {
    const bytes = await get();
    const rows = read(bytes);
    const groups = await code(bytes);
    const list = rows.map(([name, text]) => {
      const [row, term, description] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
      term.textContent = name;
      description.textContent = text;
      row.append(term, description);
      return row;
    });
    document.getElementById("says").replaceChildren(...list);
    const spans = groups.map((group) => Object.assign(document.createElement("span"), { textContent: group }));
    document.getElementById("code").replaceChildren(...spans.flatMap((span) => [span, " "]));
    shown.hidden = false;
    shown.focus();
  } catch (error) {
    document.getElementById("why").textContent = error instanceof Malformed ? words.malformed : words.noCode;
    wrong.hidden = false;
    wrong.focus();
  }
}

function showAddress() {
  const text = location.hash.slice(1);
  // The other languages show the same ticket.
  for (const link of document.querySelectorAll(".languages a")) link.hash = text;
  if (text !== "") show(() => fromAddress(text));
}

const file = document.getElementById("file");
file.parentElement.hidden = false;
file.addEventListener("change", () => {
  const [chosen] = file.files;
  if (chosen) show(async () => fromFile(await chosen.text()));
});
addEventListener("hashchange", showAddress);
showAddress();
