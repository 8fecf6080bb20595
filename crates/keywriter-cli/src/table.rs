//! Columns that line up.

/// Lays rows out in columns two spaces apart, the last one ragged.
pub(crate) fn render(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Lays names and values out in two columns.
pub(crate) fn pairs<const N: usize>(rows: [(&str, String); N]) -> String {
    render(&rows.map(|(name, value)| vec![name.to_owned(), value]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let rows = [["a", "bb", ""], ["ccc", "d", "e"]].map(|row| row.map(String::from).to_vec());
        assert_eq!(render(&rows), "a    bb\nccc  d   e\n");
    }
}
