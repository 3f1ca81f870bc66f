//! OpenID Connect against a provider that bends every step, one named case for each way to be wrong.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod bench;
mod flow;
mod forge;
mod logout;
mod provider;
mod providers;
mod tokens;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut trials: Vec<Trial> =
        tokens::CASES.iter().map(|case| trial(format!("a token {}", case.name), move || case.run())).collect();
    macro_rules! sentences {
        ($($module:ident :: $name:ident),* $(,)?) => {
            $(trials.push(trial(stringify!($name).to_owned(), || $module::$name()));)*
        };
    }
    sentences![
        flow::the_browser_is_sent_with_challenge_state_and_nonce,
        flow::a_step_up_asks_for_a_fresh_proof_and_insists_on_it,
        flow::the_code_goes_out_with_its_verifier_and_the_encoded_secret,
        flow::the_secret_goes_the_way_that_the_provider_takes,
        flow::a_key_of_ours_signs_for_one_request_and_a_minute,
        flow::a_key_is_not_used_where_it_is_not_taken_or_a_secret_is_there,
        flow::an_answer_to_another_sign_in_is_refused,
        flow::a_sign_in_of_a_changed_issuer_is_not_finished,
        flow::an_answer_of_another_provider_is_refused,
        flow::an_error_instead_of_a_code_has_its_word,
        flow::what_the_token_endpoint_refuses_has_its_word,
        flow::what_is_pending_survives_being_kept_and_shows_no_secret,
        flow::claims_become_facts,
        flow::a_second_factor_is_seen_in_class_and_methods,
        flow::who_is_let_in_silently_has_proved_nothing_fresh,
        flow::groups_that_are_left_out_are_unknown,
        flow::habits_of_providers_are_understood,
        flow::what_the_token_lacks_comes_from_the_user_information,
        flow::user_information_about_somebody_else_is_refused,
        flow::user_information_on_a_host_that_is_not_allowed_is_not_asked_for,
        flow::people_are_signed_out_at_the_provider,
        flow::a_connection_that_is_off_signs_nobody_in,
        logout::a_notice_with_a_member_twice_ends_nothing,
        providers::a_document_that_is_wrong_has_its_word,
        providers::an_answer_that_is_none_has_its_word,
        providers::a_slow_answer_is_given_up,
        providers::http_is_refused_unless_it_stays_on_this_machine_and_is_allowed,
        providers::an_endpoint_on_another_host_works_once_that_host_is_allowed,
        providers::many_who_come_at_once_cost_one_fetch,
        providers::a_new_key_works_within_one_fetch,
        providers::a_thousand_unknown_keys_cost_one_fetch_in_thirty_seconds,
        providers::a_key_that_is_withdrawn_stops_counting_within_the_hour,
        providers::what_is_mended_at_the_provider_works_within_half_a_minute,
        providers::what_is_remembered_counts_for_a_day_while_the_provider_is_down,
        providers::a_provider_that_lies_later_is_not_saved_by_what_is_remembered,
        providers::a_check_names_each_step,
        providers::only_trusted_certificates_are_talked_to,
        providers::a_name_that_whoever_does_not_operate_the_machine_wrote_leads_to_no_address_near_it,
        logout::a_notice_names_the_session_and_the_person_once,
        logout::a_notice_that_took_effect_by_half_may_come_again,
        logout::a_notice_may_name_either_and_have_an_older_form,
        logout::a_notice_that_is_wrong_has_its_word,
        logout::an_id_token_is_no_notice,
        logout::a_notice_with_any_character_changed_is_refused,
        logout::no_text_is_taken_for_a_notice,
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial<F: Future<Output = ()>>(name: String, case: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(case());
        Ok(())
    })
}
