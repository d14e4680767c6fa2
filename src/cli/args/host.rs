//! What a host is called, for `spec.hosts`.

use std::collections::BTreeMap;

use clap::Args;

use crate::spec::host_facts;

/// Labels as they are written: `role=web,zone=a`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cli) struct Labels(pub BTreeMap<String, String>);

// For verbs that only show.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct AsHostArgs {
    /// For the host that is called so, as `spec.hosts` sees it, instead of this one
    #[arg(long, value_name = "NAME")]
    pub as_host: Option<String>,
    /// Labels of that host, for `spec.hosts`: `role=web,zone=a` [default: none with `--as-host`]
    #[arg(long, value_name = "LABELS", value_parser = labels)]
    pub labels: Option<Labels>,
    /// What else is so of that host, for `hosts.when`: `os=debian,memory=16GiB` [default: nothing is known with `--as-host`]
    #[arg(long, value_name = "FACTS", value_parser = facts)]
    pub facts: Option<Facts>,
}

/// Facts as they are written: `os=debian,memory=16GiB`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cli) struct Facts(pub BTreeMap<String, String>);

fn facts(text: &str) -> Result<Facts, String> {
    let mut facts = BTreeMap::new();
    for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let (name, value) = one
            .split_once('=')
            .ok_or_else(|| format!("`{one}` is no fact, write `os=debian,memory=16GiB`"))?;
        let (name, value) = (name.trim(), value.trim());
        facts.insert(name.to_owned(), host_facts::fact(name, value)?);
    }
    Ok(Facts(facts))
}

fn labels(text: &str) -> Result<Labels, String> {
    let mut labels = BTreeMap::new();
    for one in text.split(',').filter(|one| !one.trim().is_empty()) {
        let (key, value) = one
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()))
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| format!("`{}` is no label, write `role=web,zone=a`", one.trim()))?;
        if labels.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("the label `{key}` is given twice"));
        }
    }
    Ok(Labels(labels))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    type Row<'a> = (&'a str, Result<&'a [(&'a str, &'a str)], &'a str>);

    #[test]
    fn labels_are_read_as_a_list() {
        let rows: [Row<'_>; 6] = [
            ("", Ok(&[])),
            ("role=web", Ok(&[("role", "web")])),
            ("role=web, zone = a,", Ok(&[("role", "web"), ("zone", "a")])),
            ("role=", Ok(&[("role", "")])),
            ("role", Err("`role` is no label, write `role=web,zone=a`")),
            ("a=1,a=2", Err("the label `a` is given twice")),
        ];
        for (text, wanted) in rows {
            let read = labels(text).map(|labels| labels.0);
            let wanted = wanted
                .map(|rows| {
                    rows.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
                })
                .map_err(str::to_owned);
            assert_eq!(read, wanted, "{text}");
        }
    }
}
