//! What addresses have in which country.

/// Returns whether addresses in a country have a postcode. The country is an ISO 3166-1 alpha-2 code.
pub(crate) fn has_postcodes(country: &str) -> bool {
    WITHOUT_POSTCODES.binary_search(&country).is_err()
}

/// Countries and territories whose addresses have no postcode, or need none (Universal Postal Union).
const WITHOUT_POSTCODES: &[&str] = &[
    "AE", "AG", "AO", "AQ", "AW", "BF", "BI", "BJ", "BO", "BQ", "BS", "BV", "BW", "BZ", "CD", "CF",
    "CG", "CI", "CK", "CM", "CW", "DJ", "DM", "ER", "FJ", "GA", "GD", "GH", "GM", "GQ", "GY", "HK",
    "JM", "KI", "KM", "KN", "KP", "LY", "ML", "MO", "MR", "MW", "NR", "NU", "QA", "RW", "SB", "SC",
    "SL", "SR", "SS", "ST", "SX", "SY", "TD", "TF", "TG", "TK", "TL", "TO", "TV", "UG", "VU", "WS",
    "YE", "ZW",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn the_list_is_sorted_and_names_countries() {
        assert!(WITHOUT_POSTCODES.is_sorted());
        for code in WITHOUT_POSTCODES {
            assert!(
                Language::En.countries().any(|(known, _)| known == *code),
                "{code}"
            );
        }
        assert!(has_postcodes("GB") && has_postcodes("") && !has_postcodes("HK"));
    }
}
