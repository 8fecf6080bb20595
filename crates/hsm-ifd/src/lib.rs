//! A PC/SC reader driver that shows virtual modules to pcscd.
