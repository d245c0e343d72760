namespace klio {}
