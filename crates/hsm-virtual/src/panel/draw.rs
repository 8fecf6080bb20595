//! The model on a screen: ports on the left, the selected module on the right, keys and help below.

use super::{
    model::{Hub, Mode, Panel, Row},
    timeline::FULL,
    typing::{Pad, Typing},
    words::meaning,
};
use crate::control::ClockLine;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Margin, Rect},
    style::{Color, Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Block, Clear, Paragraph, Wrap},
};

/// Draws the panel; made for 80 × 24 characters and more.
pub(crate) fn draw(panel: &Panel, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < WIDTH || area.height < HEIGHT {
        let text = format!(
            "The panel needs {WIDTH} × {HEIGHT} characters: make the window larger. q quits."
        );
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
        return;
    }
    let [title, modules, keys, message, help] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(PORTS + 3),
        Constraint::Length(3),
        Constraint::Length(1),
        Constraint::Length(6),
    ])
    .areas(area);
    let [ports, module] =
        Layout::horizontal([Constraint::Min(52), Constraint::Length(28)]).areas(modules);
    frame.render_widget(title_line(panel, title.width), title);
    draw_ports(panel, frame, ports);
    draw_module(panel, frame, module);
    draw_keys(panel, frame, keys);
    frame.render_widget(Line::from(format!(" {}", panel.message)).bold(), message);
    frame.render_widget(Paragraph::new(HELP.map(key_help).to_vec()), help);
    if matches!(panel.mode, Mode::Help) {
        draw_help(frame, area);
    }
}

fn title_line(panel: &Panel, width: u16) -> Line<'static> {
    let state = match panel.hub {
        Hub::Sought => "looking for the hub …",
        Hub::Gone => "NO HUB ANSWERS: start one with `virtual-hub serve`",
        Hub::Running(_) if panel.pending > 0 => "working …",
        Hub::Running(ClockLine::Real) => "clock: real",
        Hub::Running(ClockLine::Manual) => "clock: manual, w lets time pass",
    };
    let room = usize::from(width).saturating_sub(state.chars().count() + 2);
    let hub = clipped_left(
        &format!("Virtual hub in {}", panel.folder),
        room.saturating_sub(2),
    );
    Line::from(format!(" {hub:<room$}{state} ")).reversed()
}

fn draw_ports(panel: &Panel, frame: &mut Frame<'_>, area: Rect) {
    let in_view = usize::from(area.height.saturating_sub(3)).max(1);
    let first = panel.selected / in_view * in_view;
    let rows = panel.rows.iter().enumerate().skip(first).take(in_view);
    let mut lines = vec![Line::from(" PORT SERIAL     PLUG  R G B  SHOWS").dim()];
    lines.extend(rows.map(|(i, row)| port_line(panel, i, row)));
    let last = panel.rows.len().min(first + in_view);
    let title = match panel.rows.len() {
        all if all > in_view => format!(" Ports {} to {last} of {all} ", first + 1),
        _ => " Ports ".into(),
    };
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title(title)),
        area,
    );
}

fn port_line(panel: &Panel, index: usize, row: &Row) -> Line<'static> {
    let is_selected = index == panel.selected;
    let (mark, style) = if is_selected {
        ('▶', Style::new().add_modifier(Modifier::BOLD))
    } else {
        (' ', Style::new())
    };
    let plug = if row.is_plugged { "in" } else { "out" };
    let mut spans = vec![Span::from(format!(
        "{mark}{:>4} {:<10} {plug:<4}",
        index + 1,
        row.serial
    ))];
    for (bright, color) in panel.brightness(row).into_iter().zip(COLORS) {
        spans.push(Span::from(" "));
        spans.push(lamp(bright, color));
    }
    spans.push(Span::from(format!("  {}", row.leds.pattern)));
    Line::from(spans).style(style)
}

/// A lamp: its shape says as much as its color.
fn lamp(bright: u8, [dim, full]: [Color; 2]) -> Span<'static> {
    if bright > FULL / 3 * 2 {
        Span::styled("●", Style::new().fg(full).add_modifier(Modifier::BOLD))
    } else if bright > FULL / 3 {
        Span::styled("◐", Style::new().fg(dim))
    } else {
        Span::styled("○", Style::new().fg(Color::DarkGray))
    }
}

fn draw_module(panel: &Panel, frame: &mut Frame<'_>, area: Rect) {
    let Some(row) = panel.row() else {
        frame.render_widget(Block::bordered().title(" No module "), area);
        return;
    };
    let title = format!(" {} ", row.serial);
    let block = Block::bordered().title(title);
    let [lamps, words, keypad] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(3),
        Constraint::Length(4),
    ])
    .areas(block.inner(area));
    frame.render_widget(block, area);

    let lights = [&row.leds.red, &row.leds.green, &row.leds.blue];
    let counts = row
        .leds
        .count
        .map(|count| [count.red, count.green, count.blue]);
    let lines = ["RED", "GREEN", "BLUE"].into_iter().zip(lights).enumerate();
    let brightness = panel.brightness(row);
    let lines: Vec<Line<'_>> = lines
        .zip(brightness.into_iter().zip(COLORS))
        .map(|((i, (name, light)), (bright, color))| {
            let count = counts.and_then(|counts| counts.get(i).copied());
            let times = count.map_or(String::new(), |count| format!(" {count}×"));
            Line::from(vec![
                Span::from(format!(" {name:<6}")),
                lamp(bright, color),
                Span::from(format!(" {light}{times}")),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), lamps);

    let text = row.leds.pattern().map_or("", meaning);
    let text = vec![
        Line::from(row.leds.pattern.clone()).bold(),
        Line::from(text),
    ];
    let words = words.inner(Margin::new(1, 0));
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), words);
    frame.render_widget(Paragraph::new(keypad_lines(panel.typing)), keypad);
}

fn keypad_lines(typing: Typing) -> Vec<Line<'static>> {
    // A digit that is down is not shown: it may be part of a PIN.
    let key = |name: &'static str, pad| {
        let is_down = typing == Typing::With(pad);
        let style = if is_down {
            Style::new().reversed()
        } else {
            Style::new()
        };
        Span::styled(format!("{name:^7}"), style)
    };
    let digits = |row: [&'static str; 3]| {
        let keys = row.map(|digit| [Span::from(" "), Span::from(format!("{digit:^7}"))]);
        Line::from(keys.concat())
    };
    vec![
        digits(["1", "2", "3"]),
        digits(["4", "5", "6"]),
        digits(["7", "8", "9"]),
        Line::from(vec![
            Span::from(" "),
            key("SHIFT", Pad::Shift),
            Span::from(format!(" {:^7} ", "0")),
            key("KEY", Pad::Key),
        ]),
    ]
}

fn draw_keys(panel: &Panel, frame: &mut Frame<'_>, area: Rect) {
    let room = usize::from(area.width.saturating_sub(5));
    let (title, text) = match &panel.mode {
        Mode::Line(line) => (
            " Line of keys: Enter sends, Esc does not ",
            format!("{}▏", clipped_left(line, room)),
        ),
        Mode::Wait(seconds) => (" Seconds to let pass ", format!("{seconds}▏")),
        Mode::Keypad | Mode::Help => {
            let prompt = panel.typing.prompt();
            let trail = clipped_left(&panel.trail, room);
            (" Keys pressed ", prompt.unwrap_or(trail))
        }
    };
    let block = Block::bordered().title(title);
    frame.render_widget(Paragraph::new(format!(" {text}")).block(block), area);
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    frame.render_widget(Clear, area);
    let area = area.centered(Constraint::Length(WIDTH), Constraint::Length(HEIGHT));
    let block = Block::bordered().title(" What to press for what: any key closes this ");
    frame.render_widget(
        Paragraph::new(
            RECIPES
                .map(|[what, keys]| {
                    Line::from(vec![
                        Span::from(format!(" {what:<40}")),
                        Span::from(keys).bold(),
                    ])
                })
                .to_vec(),
        )
        .block(block),
        area,
    );
}

/// The end of a text that is too long.
fn clipped_left(text: &str, room: usize) -> String {
    let chars = text.chars().count();
    if chars <= room {
        return text.into();
    }
    let tail = text.chars().skip(chars + 1 - room.max(1));
    std::iter::once('…').chain(tail).collect()
}

fn key_help(pairs: [[&'static str; 2]; 2]) -> Line<'static> {
    let [[left, does_left], [right, does_right]] = pairs;
    Line::from(vec![
        Span::from(format!(" {left:<11}")).bold(),
        Span::from(format!("{does_left:<30}")),
        Span::from(format!("{right:<8}")).bold(),
        Span::from(does_right),
    ])
}

/// What it needs: columns and lines.
const WIDTH: u16 = 80;
const HEIGHT: u16 = 24;

/// Ports that are in view at least.
const PORTS: u16 = 10;

/// Dim and full: RED, GREEN, BLUE.
const COLORS: [[Color; 2]; 3] = [
    [Color::Red, Color::LightRed],
    [Color::Green, Color::LightGreen],
    [Color::Blue, Color::LightBlue],
];

const HELP: [[[&str; 2]; 2]; 6] = [
    [
        ["0-9 k s", "a digit, KEY, SHIFT"],
        ["↑ ↓", "another module"],
    ],
    [
        ["K8  S3  Sk", "KEY+8, SHIFT+3, SHIFT+KEY"],
        ["p", "plug in or pull out"],
    ],
    [
        ["+70", "any two together"],
        ["w", "let time pass (manual clock)"],
    ],
    [
        [":s  :0", "SHIFT, 0 held for 1 s"],
        ["?", "what to press for what"],
    ],
    [["Enter", "a line of keys, such as"], ["q", "quit"]],
    [["", "KEY+8 1 SHIFT"], ["", ""]],
];

const RECIPES: [[&str; 2]; 22] = [
    ["Wake a module, leave Admin mode", ":s"],
    ["Set the first Admin PIN", "S1  PIN k  PIN k"],
    ["Unlock as User", "Sk  PIN k"],
    ["Unlock as Administrator", "k  PIN k"],
    ["Enter Admin mode", "K1  PIN k"],
    [
        "Recover with the Recovery PIN",
        "K4  PIN k  new PIN k  new PIN k",
    ],
    ["Reset: erases everything", ":0  +27"],
    ["More attempts at a blocked Admin PIN", "4786 7243 k"],
    ["User, unlocked: change the User PIN", "K4  PIN k  PIN k"],
    ["", ""],
    ["In Admin mode:", ""],
    ["Change the Admin PIN", "K2  PIN k  PIN k"],
    [
        "Set the User PIN / delete it",
        "K3  PIN k  PIN k   /   S3 S3",
    ],
    [
        "Set the Recovery PIN / delete it",
        "K4  PIN k  PIN k   /   S4 S4",
    ],
    [
        "Set the Self-Destruct PIN / delete it",
        "K6  PIN k  PIN k   /   S6 S6",
    ],
    [
        "Auto-lock after 05 to 99 min / read out",
        "K5 05 s   /   S5 k",
    ],
    [
        "Policy: 8 or more with SHIFT / read out",
        "K7 081 s   /   S7 k",
    ],
    ["Cloning enabled / read out", "K8 1 s   /   S8 k"],
    ["Encryption mode 1 or 2 / read out", "K9 1 s   /   S9 k"],
    ["User attempt limit / read out", "+70 10 s   /   +20 k"],
    ["", ""],
    ["In a PIN, the symbol SHIFT+3", "S3"],
];

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
