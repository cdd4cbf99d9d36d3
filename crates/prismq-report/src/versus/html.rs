//! One HTML page that loads nothing, and in which text of a record never becomes markup.

use super::Section;
use super::groups::charts;
use super::sections::sections;
use prismq_record::VersusRecord;

const STYLE: &str = include_str!("versus.css");

/// The whole page.
#[must_use]
pub fn html(record: &VersusRecord) -> String {
    let mut body = String::new();
    for (number, section) in sections(record).iter().enumerate() {
        let level = if number == 0 { 1 } else { 2 };
        let Section { heading, note, .. } = section;
        body.push_str(&format!(
            "<section><h{level}>{}</h{level}><p>{}</p>{}",
            escaped(heading),
            escaped(note),
            table(section)
        ));
        for chart in charts(record, heading) {
            body.push_str(&format!(
                "<figure>{}<figcaption>{}</figcaption></figure>",
                chart.svg(),
                escaped(&chart.title)
            ));
        }
        body.push_str("</section>\n");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Queues side by side</title><style>\n{STYLE}</style></head><body>\n{body}</body></html>\n"
    )
}

/// Its cells name their columns: a narrow screen has no room for them next to each other.
fn table(section: &Section) -> String {
    let has_head = section.header.iter().any(|cell| !cell.is_empty());
    let names = section.header.iter().map(|name| escaped(name));
    let head: String = names.clone().map(|name| format!("<th>{name}</th>")).collect();
    let head = if has_head { format!("<tr>{head}</tr>") } else { String::new() };
    let labels: Vec<String> = names
        .enumerate()
        .map(|(column, name)| match column > 0 && has_head {
            true => format!(" data-label=\"{name}\""),
            false => String::new(),
        })
        .collect();
    let row = |cells: &Vec<String>| {
        let cells = cells.iter().zip(&labels);
        let cells: String =
            cells.map(|(cell, label)| format!("<td{label}>{}</td>", escaped(cell))).collect();
        format!("<tr>{cells}</tr>")
    };
    let rows: String = section.rows.iter().map(row).collect();
    format!("<div class=\"wide\"><table>{head}{rows}</table></div>")
}

/// A text in which nothing is markup.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
