//! `keywriter master set|show`

use super::{launch, survey_all};
use crate::{
    args::{Args, MasterCommand},
    failure::Failure,
    output::{self, ChoicesLine},
};
use keywriter::{
    Options, Serial,
    cycle::plan::{MasterRefusal, find_master},
    settings::MasterState,
};
use serde::Serialize;

pub(crate) fn run(args: &Args, command: &MasterCommand) -> Result<(), Failure> {
    launch(args)?;
    match *command {
        MasterCommand::Set {
            serial,
            auto_lock,
            user_pin_policy,
            disable_master,
        } => {
            let options = Options {
                auto_lock,
                user_pin_policy,
                disable_master,
            };
            set(args, serial, options)
        }
        MasterCommand::Show => show(args),
    }
}

fn set(args: &Args, master: Serial, options: Options) -> Result<(), Failure> {
    check(args, master)?.map_err(|why| Failure::Master {
        serial: master,
        why,
    })?;
    let state = MasterState { master, options };
    state.save(&args.folders()?.master())?;
    print(args, &state, Ok(()))
}

fn show(args: &Args) -> Result<(), Failure> {
    let state = MasterState::load(&args.folders()?.master())?;
    let active = check(args, state.master)?;
    print(args, &state, active)
}

fn check(args: &Args, master: Serial) -> Result<Result<(), MasterRefusal>, Failure> {
    let found = survey_all(args)?;
    Ok(find_master(&found, master).map(|_facts| ()))
}

fn print(
    args: &Args,
    state: &MasterState,
    active: Result<(), MasterRefusal>,
) -> Result<(), Failure> {
    let MasterState { master, options } = state;
    if args.json {
        return output::json(&MasterLine::of(state, active));
    }
    match active {
        Ok(()) => output::line(&format!("{master} is the master: Active"))?,
        Err(why) => output::line(&format!(
            "{master} is the master, but not active: {why}\n  {}",
            why.advice()
        ))?,
    }
    let choices = [
        ("copy the auto-lock", options.auto_lock),
        ("copy the User PIN policy", options.user_pin_policy),
        (
            "disable cloning on the master afterwards",
            options.disable_master,
        ),
    ];
    for (what, is_chosen) in choices {
        output::line(&format!(
            "  {what}: {}",
            if is_chosen { "yes" } else { "no" }
        ))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct MasterLine {
    event: &'static str,
    serial: String,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    #[serde(flatten)]
    choices: ChoicesLine,
}

impl MasterLine {
    fn of(state: &MasterState, active: Result<(), MasterRefusal>) -> Self {
        let refusal = active.err();
        Self {
            event: "master",
            serial: state.master.to_string(),
            active: refusal.is_none(),
            why: refusal.map(|why| why.to_string()),
            advice: refusal.map(MasterRefusal::advice),
            choices: state.options.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_is_one_json_object_of_this_shape() {
        let state = MasterState {
            master: "VM0001".parse().unwrap(),
            options: Options::default(),
        };
        assert_eq!(
            serde_json::to_string(&MasterLine::of(&state, Ok(()))).unwrap(),
            r#"{"event":"master","serial":"VM0001","active":true,"auto_lock":false,"user_pin_policy":false,"disable_master":false}"#
        );
        let line =
            serde_json::to_value(MasterLine::of(&state, Err(MasterRefusal::Locked))).unwrap();
        assert_eq!(line["active"], false);
        assert_eq!(line["why"], "it is locked");
        assert!(
            line["advice"]
                .as_str()
                .unwrap()
                .contains("KEY, the Admin PIN, KEY")
        );
    }
}
