// The Python module klio: the main job, with frames as numpy arrays. Everything that waits or
// computes releases the interpreter's lock.

#include <klio/error.h>
#include <klio/frame.h>
#include <klio/local_session.h>
#include <klio/recipe.h>
#include <klio/recipe_options.h>
#include <klio/session.h>

#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>

namespace py = pybind11;

namespace {

/// A set together with what its recipe says of its frames.
struct Set {
    klio::StoredSet stored;
    klio::FrameOptions frame;
};

class Session {
public:
    Session() : m_session(klio::Settings()) { }

    Set
    generate(const std::string& recipe_path, int take,
             std::function<bool(const std::string&, const std::string&, double, double)> progress)
    {
        Opened opened = open(recipe_path, take);
        opened.options.progress = [&progress](const klio::Progress& step) {
            const py::gil_scoped_acquire lock;
            // Ctrl-C in Python must stop a wait of minutes.
            if (PyErr_CheckSignals() != 0)
                throw py::error_already_set();
            return !progress || progress(step.step, step.message, step.done, step.total);
        };
        const py::gil_scoped_release unlocked;
        std::unique_ptr<klio::LocalGateway> gateway;
        if (klio::names_local_gateway(m_settings, opened.options))
            gateway = klio::start_local_gateway(m_settings, opened.options);
        return {m_session.generate(opened.recipe.request, opened.options), opened.frame};
    }

    Set find(const std::string& recipe_path, int take)
    {
        Opened opened = open(recipe_path, take);
        const py::gil_scoped_release unlocked;
        const auto found = m_session.find(opened.recipe.request, opened.options);
        if (!found || found->state != klio::JobState::succeeded)
            throw klio::NotStoredError(recipe_path + ": the store has no frames for it ("
                                       + klio::price(opened.recipe.request).text()
                                       + "); run: klio generate " + recipe_path);
        return {*found, opened.frame};
    }

private:
    struct Opened {
        klio::Recipe recipe;
        klio::GenerateOptions options;
        klio::FrameOptions frame;
    };

    static Opened open(const std::string& path, int take)
    {
        Opened opened;
        opened.recipe = klio::read_recipe(path);
        if (take > 0)
            opened.recipe.request.take = take;
        klio::apply_options(opened.recipe.options, opened.options, opened.frame);
        return opened;
    }

    klio::Settings m_settings;
    klio::Session m_session;
};

klio::Frame load(const Set& set, int frame, const std::string& to)
{
    klio::FrameOptions options = set.frame;
    if (!to.empty())
        options.to = to;
    return klio::load_frame(set.stored, frame, options);
}

py::array_t<float> pixels(const Set& set, int frame, const std::string& to)
{
    klio::Frame loaded;
    {
        const py::gil_scoped_release unlocked;
        loaded = load(set, frame, to);
    }
    const OIIO::ImageSpec& spec = loaded.image.spec();
    py::array_t<float> array({spec.height, spec.width, spec.nchannels});
    if (!loaded.image.get_pixels(loaded.image.roi(), OIIO::TypeDesc::FLOAT, array.mutable_data()))
        throw klio::DamagedError(loaded.image.geterror());
    return array;
}

void write_frame(const Set& set, int frame, const std::string& path, const std::string& to)
{
    klio::FrameOptions options = set.frame;
    if (!to.empty())
        options.to = to;
    klio::write_frame(load(set, frame, to), path, options);
}

} // namespace

PYBIND11_MODULE(klio, module)
{
    module.doc() = "kling-image-o1 for OpenImageIO pipelines";
    module.attr("__version__") = klio::version();

    static py::exception<klio::Error> error(module, "Error");
    error.doc() = "What klio raises: str() is one line, .kind its name, .exit_code the command's.";
    py::register_exception_translator([](std::exception_ptr pointer) {
        try {
            if (pointer)
                std::rethrow_exception(pointer);
        } catch (const klio::Error& caught) {
            py::object instance = py::reinterpret_borrow<py::object>(error)(caught.what());
            instance.attr("kind") = klio::to_string(caught.kind());
            instance.attr("exit_code") = caught.exit_code();
            PyErr_SetObject(error.ptr(), instance.ptr());
        }
    });

    py::class_<Set>(module, "Set", "The frames of one job, counted from 1.")
        .def_property_readonly("job", [](const Set& set) { return set.stored.job; })
        .def_property_readonly("take", [](const Set& set) { return set.stored.request.take; })
        .def_property_readonly("prompt", [](const Set& set) { return set.stored.request.prompt; })
        .def_property_readonly("warnings", [](const Set& set) { return set.stored.warnings; })
        .def_property_readonly(
            "files",
            [](const Set& set) {
                std::vector<std::string> files;
                for (const klio::StoredFrame& frame : set.stored.frames)
                    files.push_back(frame.path);
                return files;
            },
            "The stored result files, as the service gave them.")
        .def("__len__", [](const Set& set) { return set.stored.frames.size(); })
        .def(
            "pixels", &pixels, py::arg("frame"), py::arg("to") = "",
            "Pixels as a float32 array of shape (height, width, channels) in the colour space `to` "
            "(default: the recipe's, else the first reference's own, else scene-linear).")
        .def("write", &write_frame, py::arg("frame"), py::arg("path"), py::arg("to") = "",
             py::call_guard<py::gil_scoped_release>(),
             "Writes a frame with its provenance in any format that OpenImageIO writes.");

    py::class_<Session>(module, "Session",
                        "Opens the data folder that the environment and the configuration file "
                        "name. May be used from many threads.")
        .def(py::init<>())
        .def(
            "generate", &Session::generate, py::arg("recipe"), py::arg("take") = 0,
            py::arg("progress") = nullptr,
            "The frames of a recipe file: from the store, free, or bought. progress(step, message, "
            "done, total) returns False to cancel. Releases the interpreter's lock.")
        .def("find", &Session::find, py::arg("recipe"), py::arg("take") = 0,
             "What the store has; never sends anything. Raises Error (kind not_stored).");
}
