//! `keywriter master set|show`

use super::{require_app_pin, survey_all, yes_or_no};
use crate::{
    args::{Args, MasterCommand},
    failure::Failure,
    output::{self, Event},
    words,
};
use keywriter::{
    Options, Serial,
    cycle::plan::{MasterRefusal, find_master},
    problem::Problem,
    settings::MasterState,
};

pub(crate) fn run(args: &Args, command: &MasterCommand) -> Result<(), Failure> {
    require_app_pin(args)?;
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
    check(args, master)?.map_err(|why| Failure::Problem(why.within(master)))?;
    let state = MasterState { master, options };
    state.save(&args.folders()?.master())?;
    print(args, &state, Ok(()))
}

fn show(args: &Args) -> Result<(), Failure> {
    let state = MasterState::load(&args.folders()?.master())?;
    let active = check(args, state.master)?;
    print(args, &state, active)
}

fn check(args: &Args, master: Serial) -> Result<Result<(), Problem>, Failure> {
    let found = survey_all(args)?;
    let hidden = found.hiding().of(Some(master));
    Ok(match (find_master(&found, master), hidden) {
        (Ok(_facts), _) => Ok(()),
        (Err(MasterRefusal::Absent), Some(hidden)) => Err(hidden.problem().clone()),
        (Err(why), _) => Err(Problem::new(why.into()).with_roots(found.other_root_of(master))),
    })
}

fn print(args: &Args, state: &MasterState, active: Result<(), Problem>) -> Result<(), Failure> {
    let MasterState { master, options } = state;
    if args.json {
        return json(state, active).print();
    }
    match active {
        Ok(()) => output::line(&format!("{master} is the master, and active"))?,
        Err(why) => output::line(&format!(
            "{master} is the master, but not active: {}\n  {}",
            words::line(&why),
            words::of(why.reason).advice
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
        output::line(&format!("  {what}: {}", yes_or_no(is_chosen)))?;
    }
    Ok(())
}

fn json(state: &MasterState, active: Result<(), Problem>) -> Event {
    let event = Event::new("master")
        .text("serial", state.master)
        .with("active", active.is_ok());
    let event = match active {
        Ok(()) => event,
        Err(why) => event.problem("why", &why),
    };
    event.choices(state.options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywriter::problem::Reason;

    #[test]
    fn a_master_is_one_json_object_of_this_shape() {
        let state = MasterState {
            master: "VM0001".parse().unwrap(),
            options: Options::default(),
        };
        assert_eq!(
            serde_json::to_string(&json(&state, Ok(()))).unwrap(),
            r#"{"event":"master","serial":"VM0001","active":true,"auto_lock":false,"user_pin_policy":false,"disable_master":false}"#
        );
        let line = serde_json::to_value(json(&state, Err(Reason::Locked.into()))).unwrap();
        assert_eq!(line["active"], false);
        assert_eq!(line["reason"], "module-locked");
        assert_eq!(line["why"], "the module is locked");
        assert!(
            line["advice"]
                .as_str()
                .unwrap()
                .contains("KEY, the Admin PIN, KEY")
        );
    }
}
